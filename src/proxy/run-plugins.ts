import type { Log } from '../lib/log.ts'
import { Problem } from '../lib/problem.ts'
import type { EventRecord } from '../schema/event.ts'
import type { PluginPlan, ScopedPlugin } from './compile/choose-plugins.ts'
import { scopeOf } from './directory.ts'
import type { Exchange } from './exchange.ts'
import { actsOn } from './plugin-conditions.ts'
import type { PluginAnswer, PluginResult } from './plugin.ts'

/** Runs the plugins of the route in order until one answers. Those after authentication depend on the caller. Returns a promise only if a plugin does. */
export function runRequestPlugins(
  plugins: PluginPlan,
  exchange: Exchange,
): PluginAnswer | undefined | Promise<PluginAnswer | undefined> {
  const authorize = () => runFrom(plugins.authorize(scopeOf(exchange.caller)), 0, exchange)
  const result = runFrom(plugins.identify, 0, exchange)
  if (result === undefined) return authorize()
  return result instanceof Promise ? result.then((answer) => answer ?? authorize()) : result
}

function runFrom(
  plugins: readonly ScopedPlugin[],
  from: number,
  exchange: Exchange,
): PluginAnswer | undefined | Promise<PluginAnswer | undefined> {
  for (let index = from; index < plugins.length; index += 1) {
    const plugin = plugins[index] as ScopedPlugin
    if (!actsOn(plugin, exchange)) continue
    let result: PluginResult
    try {
      result = plugin.use.onRequest?.(exchange)
    } catch (error) {
      throw failureOf(error, plugin, exchange)
    }
    if (result === undefined) continue
    if (!(result instanceof Promise)) return accept(result, plugin, exchange)
    return result.then(
      (answer) =>
        answer === undefined
          ? runFrom(plugins, index + 1, exchange)
          : accept(answer, plugin, exchange),
      (error: unknown) => {
        throw failureOf(error, plugin, exchange)
      },
    )
  }
  return undefined
}

/** Runs the plugins of the route that act on streams. A Problem that one throws refuses the stream. */
export function runStreamPlugins(plan: PluginPlan, exchange: Exchange): void {
  const { scheme } = exchange.request
  const { protocols = [] } = exchange.matched?.route ?? {}
  const passesThrough = scheme === 'tls' && protocols.includes('tls_passthrough')
  const protocol = passesThrough ? 'tls_passthrough' : scheme
  for (const plugin of [...plan.identify, ...plan.authorize(undefined)]) {
    const { use } = plugin
    if (use.onStream === undefined || !plugin.protocols.includes(protocol)) continue
    try {
      if (actsOn(plugin, exchange)) use.onStream(exchange)
    } catch (error) {
      throw failureOf(error, plugin, exchange)
    }
  }
}

function accept(answer: PluginAnswer, plugin: ScopedPlugin, exchange: Exchange): PluginAnswer {
  if (answer.refusal !== undefined) exchange.refuse('denied', plugin.name, answer.refusal)
  return answer
}

/** A Problem is a refusal by the plugin; anything else is a fault, to which the plugin's name is added. */
function failureOf(error: unknown, { name }: ScopedPlugin, exchange: Exchange): Error {
  if (!(error instanceof Problem)) return new Error(`plugin ${name} failed`, { cause: error })
  exchange.refuse('denied', name, error)
  return error
}

/** Runs the response plugins of the route in the opposite order, once per exchange, and returns the first answer that replaces the service's. When one throws, the others still run, and then it throws the first error. */
export function runResponsePlugins(
  plugins: PluginPlan,
  exchange: Exchange,
): PluginAnswer | undefined {
  if (exchange.hasRunResponsePlugins) return undefined
  exchange.hasRunResponsePlugins = true
  const later = plugins.authorize(scopeOf(exchange.caller))
  const result: ResponseResult = { answer: undefined, failure: undefined }
  runBackwards(later, exchange, result)
  runBackwards(plugins.identify, exchange, result)
  if (result.failure !== undefined) throw result.failure
  return result.answer
}

/** Lets the plugins of the route change the event of an exchange; throws when one throws. */
export function runRecordPlugins(
  plugins: PluginPlan,
  exchange: Exchange,
  event: EventRecord,
): EventRecord {
  const changed = recordBy(plugins.identify, exchange, event)
  return recordBy(plugins.authorize(scopeOf(exchange.caller)), exchange, changed)
}

function recordBy(
  plugins: readonly ScopedPlugin[],
  exchange: Exchange,
  event: EventRecord,
): EventRecord {
  let changed = event
  for (const plugin of plugins)
    if (plugin.use.onRecord !== undefined && actsOn(plugin, exchange))
      changed = plugin.use.onRecord(exchange, changed)
  return changed
}

/** Runs the log plugins of the route. Never throws. */
export function runLogPlugins(
  plugins: PluginPlan,
  exchange: Exchange,
  event: EventRecord,
  log: Log,
): void {
  const run = (list: readonly ScopedPlugin[]): void => {
    for (const plugin of list) {
      const { name, use } = plugin
      if (use.onLog === undefined || !actsOn(plugin, exchange)) continue
      try {
        use.onLog(exchange, event)
      } catch (error) {
        log.error('proxy: plugin failed in onLog', { plugin: name, request_id: exchange.id, error })
      }
    }
  }
  run(plugins.identify)
  run(plugins.authorize(scopeOf(exchange.caller)))
}

type ResponseResult = { answer: PluginAnswer | undefined; failure: Error | undefined }

function runBackwards(
  plugins: readonly ScopedPlugin[],
  exchange: Exchange,
  result: ResponseResult,
): void {
  for (let index = plugins.length - 1; index >= 0; index -= 1) {
    const plugin = plugins[index] as ScopedPlugin
    try {
      if (plugin.use.onResponse === undefined || !actsOn(plugin, exchange)) continue
      const answer = plugin.use.onResponse(exchange)
      if (answer !== undefined) result.answer ??= accept(answer, plugin, exchange)
    } catch (error) {
      // A Problem is a fault here too: a refusal is an answer.
      result.failure ??= new Error(`plugin ${plugin.name} failed in onResponse`, { cause: error })
    }
  }
}
