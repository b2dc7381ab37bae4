/** Memoizes a function of an immutable object; an entry lives as long as its object. */
export function memoizeByKey<Key extends object, Value>(compute: (key: Key) => Value) {
  const cache = new WeakMap<Key, { readonly value: Value }>()
  return (key: Key): Value => valueIn(cache, key, compute)
}

/** `memoizeByKey` for large values that are used many times within a short time: forgets all values after `milliseconds`. */
export function memoizeBriefly<Key extends object, Value>(
  compute: (key: Key) => Value,
  milliseconds: number,
) {
  let cache: Cache<Key, Value> | undefined
  return (key: Key): Value => {
    if (cache === undefined) {
      cache = new WeakMap()
      setTimeout(() => void (cache = undefined), milliseconds).unref()
    }
    return valueIn(cache, key, compute)
  }
}

type Cache<Key extends object, Value> = WeakMap<Key, { readonly value: Value }>

function valueIn<Key extends object, Value>(
  cache: Cache<Key, Value>,
  key: Key,
  compute: (key: Key) => Value,
): Value {
  const cached = cache.get(key)
  if (cached !== undefined) return cached.value
  const value = compute(key)
  cache.set(key, { value })
  return value
}
