/** Memoizes a function of an immutable object; an entry lives as long as its object. */
export function memoizeByKey<Key extends object, Value>(compute: (key: Key) => Value) {
  const cache = new WeakMap<Key, { readonly value: Value }>()
  return (key: Key): Value => {
    const cached = cache.get(key)
    if (cached !== undefined) return cached.value
    const value = compute(key)
    cache.set(key, { value })
    return value
  }
}
