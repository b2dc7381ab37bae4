import type { ScopedPlugin } from './compile/choose-plugins.ts'
import type { PluginUse } from './plugin.ts'
import { pluginsOnlyIn, type Program } from './program.ts'

/** A program and the number of exchanges that use it. */
export type HeldProgram = { readonly program: Program; exchanges: number }

/** The current program and those that exchanges still use. */
export type HeldPrograms = {
  readonly exchanges: number
  readonly revision: number
  /** The program for a new exchange, which must release it at its end. */
  take(): HeldProgram
  release(held: HeldProgram): void
  /** Makes `next` the current program; plugins that it has not are closed after the last exchange of every program that has them. */
  swap(this: void, next: Program): void
}

/** A held program among those that exchanges still use, from the oldest to the current one. */
type Link = HeldProgram & {
  readonly number: number
  older: Link | undefined
  newer: Link | undefined
  /** Plugins of this program that no newer one has; an older one may have them. */
  retired: ScopedPlugin[]
}

const linkOf = (program: Program, older: Link | undefined): Link => ({
  program,
  exchanges: 0,
  number: older === undefined ? 0 : older.number + 1,
  older,
  newer: undefined,
  retired: [],
})

export function holdPrograms(first: Program): HeldPrograms {
  let running = linkOf(first, undefined)
  let exchanges = 0
  /** The number of the first program that has a plugin, unless it was the very first. */
  const since = new WeakMap<PluginUse, number>()

  const end = (link: Link): void => {
    const { program, older, newer, retired } = link
    if (older !== undefined) older.newer = newer
    if (newer !== undefined) newer.older = older
    // Links that are in old space already would keep all later programs until a major collection.
    link.older = undefined
    link.newer = undefined
    const isOlder = ({ use }: ScopedPlugin): boolean =>
      older !== undefined && (since.get(use) ?? 0) <= older.number
    older?.retired.push(...retired.filter(isOlder))
    program.closePlugins(retired.filter((plugin) => !isOlder(plugin)))
  }
  return {
    get exchanges() {
      return exchanges
    },
    get revision() {
      return running.program.revision
    },
    take() {
      running.exchanges += 1
      exchanges += 1
      return running
    },
    release(held) {
      held.exchanges -= 1
      exchanges -= 1
      if (held !== running && held.exchanges === 0) end(held as Link)
    },
    swap(next) {
      const previous = running
      const link = linkOf(next, previous)
      for (const { use } of pluginsOnlyIn(next, previous.program)) since.set(use, link.number)
      previous.retired = [...pluginsOnlyIn(previous.program, next)]
      previous.newer = link
      running = link
      if (previous.exchanges === 0) end(previous)
    },
  }
}
