/** JSON with the keys of every object sorted, so that equal values serialize to equal bytes. */
export const canonicalText = (value: unknown): string => JSON.stringify(sorted(value))

/** A copy with sorted keys. Serializing it takes less than half the time of a serialization that sorts along the way. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(sorted)
  if ('toJSON' in value && typeof value.toJSON === 'function') return sorted(value.toJSON())
  const copy: Record<string, unknown> = {}
  for (const key of Object.keys(value).sort()) {
    const inner = sorted((value as Record<string, unknown>)[key])
    if (key === '__proto__') Object.defineProperty(copy, key, { value: inner, enumerable: true })
    else copy[key] = inner
  }
  return copy
}
