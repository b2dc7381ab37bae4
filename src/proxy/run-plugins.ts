import { Problem } from '../lib/problem.ts'
import type { Exchange } from './exchange.ts'
import type { ScopedPlugin } from './compile/choose-plugins.ts'
import type { Waiting } from './plugin.ts'
import type { RouteProgram } from './program.ts'

/** Runs the plugins of the route in order, those that identify first; the others are chosen once the caller is known. Waits only if one of them does. */
export function runRequestPlugins({ plugins }: RouteProgram, exchange: Exchange): Waiting {
  const waiting = runFrom(plugins.identify, 0, exchange)
  const later = (): Waiting => runFrom(plugins.authorize(exchange.caller?.consumer.id), 0, exchange)
  return waiting === undefined ? later() : waiting.then(later)
}

function runFrom(plugins: readonly ScopedPlugin[], from: number, exchange: Exchange): Waiting {
  for (let index = from; index < plugins.length; index += 1) {
    const plugin = plugins[index] as ScopedPlugin
    try {
      const waiting = plugin.use.onRequest?.(exchange)
      if (waiting !== undefined) {
        return waiting.then(
          () => runFrom(plugins, index + 1, exchange),
          (error: unknown) => note(error, plugin, exchange),
        )
      }
    } catch (error) {
      note(error, plugin, exchange)
    }
  }
  return undefined
}

/** Remembers which plugin refused, and refuses on. */
function note(error: unknown, plugin: ScopedPlugin, exchange: Exchange): never {
  if (error instanceof Problem) exchange.refuse('denied', plugin.name, error)
  throw error
}

/** Lets the plugins of the route see the answer before it goes out, innermost first. */
export function runResponsePlugins({ plugins }: RouteProgram, exchange: Exchange): void {
  const later = plugins.authorize(exchange.caller?.consumer.id)
  for (let index = later.length - 1; index >= 0; index -= 1)
    later[index]?.use.onResponse?.(exchange)
  for (let index = plugins.identify.length - 1; index >= 0; index -= 1)
    plugins.identify[index]?.use.onResponse?.(exchange)
}
