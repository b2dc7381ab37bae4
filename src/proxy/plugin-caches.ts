/** Values that a plugin keeps in memory. The least recently used ones go when the memory of the worker for all caches is full. */
export type PluginCache<Value> = {
  get(key: string): Value | undefined
  /** Keeps a value, which is given as large; a value larger than `maxBytes` is not kept. */
  set(key: string, value: Value, bytes: number): void
  delete(key: string): void
  /** Reserves memory for values that are still being read, at most half of all; false when there is not enough left. */
  reserve(this: void, bytes: number): boolean
  /** Returns memory that was reserved. */
  unreserve(this: void, bytes: number): void
  /** Largest value that is kept. */
  readonly maxBytes: number
  /** Removes all its values. */
  close(): void
}

/** The caches of all plugins of a worker. */
export type PluginCaches = {
  open<Value>(this: void, plugin: string): PluginCache<Value>
  /** Removes a key, or without one everything, from the caches of a plugin. */
  purge(this: void, plugin: string, key: string | null): void
  /** Of kept values and reserved. */
  readonly bytes: number
}

type Kept = { readonly value: unknown; readonly bytes: number }

/** A value may fill this part of the memory. */
const maxPart = 16

/** Opens caches that together hold at most so many bytes. */
export function openPluginCaches(limit: number): PluginCaches {
  const perPlugin = new Map<string, Set<Set<string>>>()
  // A Map iterates in the order of insertion, so that the first entry is the least recently used one.
  const entries = new Map<string, Kept & { readonly keys: Set<string>; readonly key: string }>()
  let used = 0
  let reserved = 0
  let opened = 0
  const remove = (name: string): void => {
    const entry = entries.get(name)
    if (entry === undefined) return
    entries.delete(name)
    entry.keys.delete(entry.key)
    used -= entry.bytes
  }
  const evict = (): void => {
    for (const oldest of entries.keys()) {
      if (used + reserved <= limit) break
      remove(oldest)
    }
  }
  const prefixes = new Map<Set<string>, string>()
  return {
    open<Value>(plugin: string): PluginCache<Value> {
      const prefix = `${(opened += 1)} `
      const keys = new Set<string>()
      const group = perPlugin.get(plugin) ?? new Set()
      perPlugin.set(plugin, group.add(keys))
      prefixes.set(keys, prefix)
      const maxBytes = Math.floor(limit / maxPart)
      return {
        maxBytes,
        get(key) {
          const name = prefix + key
          const entry = entries.get(name)
          if (entry === undefined) return undefined
          entries.delete(name)
          entries.set(name, entry)
          return entry.value as Value
        },
        set(key, value, bytes) {
          const name = prefix + key
          remove(name)
          if (bytes > maxBytes || !group.has(keys)) return
          entries.set(name, { value, bytes, keys, key })
          keys.add(key)
          used += bytes
          evict()
        },
        delete: (key) => remove(prefix + key),
        reserve(bytes) {
          if (reserved + bytes > limit / 2) return false
          reserved += bytes
          evict()
          return true
        },
        unreserve(bytes) {
          reserved -= bytes
        },
        close() {
          for (const key of keys) remove(prefix + key)
          prefixes.delete(keys)
          group.delete(keys)
          if (group.size === 0 && perPlugin.get(plugin) === group) perPlugin.delete(plugin)
        },
      }
    },
    purge(plugin, key) {
      for (const keys of perPlugin.get(plugin) ?? []) {
        const prefix = prefixes.get(keys) ?? ''
        for (const one of key === null ? keys : [key]) remove(prefix + one)
      }
    },
    get bytes() {
      return used + reserved
    },
  }
}
