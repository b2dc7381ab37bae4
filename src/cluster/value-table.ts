import type { Clock } from '../lib/clock.ts'

/** A value and when it is forgotten, in milliseconds since the epoch. */
export type ValueRow = readonly [scope: string, key: string, value: string, endsAt: number]

/** Small values that the workers of a node share. Each scope has separate limits, so that one workspace cannot displace the values of another. */
export type ValueTable = {
  get(scope: string, key: string): string | undefined
  set(scope: string, key: string, value: string, endsAt: number): void
  /** False, and nothing is changed, where there is a value. */
  add(scope: string, key: string, value: string, endsAt: number): boolean
  delete(scope: string, key: string): void
  /** Adds the rows of another table where this one has no value. */
  adopt(rows: readonly ValueRow[]): void
  sweep(): void
  rows(): readonly ValueRow[]
}

type Entry = { readonly value: string; readonly endsAt: number }
type Scope = { readonly entries: Map<string, Entry>; size: number }

/** Of a scope. */
export type ValueLimits = { readonly entries: number; readonly characters: number }

const defaultLimits: ValueLimits = { entries: 20_000, characters: 16 * 2 ** 20 }

/** When a scope is full, its oldest values are forgotten. */
export function openValueTable(clock: Clock, limits: ValueLimits = defaultLimits): ValueTable {
  const scopes = new Map<string, Scope>()
  const remove = (scope: Scope, key: string): void => {
    const entry = scope.entries.get(key)
    if (entry === undefined) return
    scope.size -= key.length + entry.value.length
    scope.entries.delete(key)
  }
  const get = (name: string, key: string): string | undefined => {
    const found = scopes.get(name)?.entries.get(key)
    return found !== undefined && found.endsAt > clock.now() ? found.value : undefined
  }
  const set = (name: string, key: string, value: string, endsAt: number): void => {
    const scope = scopes.get(name) ?? { entries: new Map<string, Entry>(), size: 0 }
    scopes.set(name, scope)
    remove(scope, key)
    scope.size += key.length + value.length
    scope.entries.set(key, { value, endsAt })
    for (const oldest of scope.entries.keys()) {
      if (scope.entries.size <= limits.entries && scope.size <= limits.characters) break
      remove(scope, oldest)
    }
  }
  const add = (name: string, key: string, value: string, endsAt: number): boolean => {
    if (get(name, key) !== undefined) return false
    set(name, key, value, endsAt)
    return true
  }
  return {
    get,
    set,
    add,
    delete(name, key) {
      const scope = scopes.get(name)
      if (scope !== undefined) remove(scope, key)
    },
    adopt(rows) {
      for (const row of rows) add(...row)
    },
    sweep() {
      const now = clock.now()
      for (const [name, scope] of scopes) {
        for (const [key, { endsAt }] of scope.entries) if (endsAt <= now) remove(scope, key)
        if (scope.entries.size === 0) scopes.delete(name)
      }
    },
    rows: () =>
      [...scopes].flatMap(([name, { entries }]) =>
        [...entries].map(([key, { value, endsAt }]): ValueRow => [name, key, value, endsAt]),
      ),
  }
}
