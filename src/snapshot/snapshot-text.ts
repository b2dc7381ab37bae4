import { canonicalText } from '../lib/canonical-text.ts'
import { memoizeByKey } from '../lib/memoize-by-key.ts'
import type { Snapshot } from '../schema/snapshot.ts'

/** The canonical text of a snapshot. The texts of its entities are cached. */
export function snapshotText(snapshot: Snapshot): string {
  const members = Object.entries(snapshot).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const texts = members.map(([name, value]) => {
    const text = Array.isArray(value)
      ? `[${(value as readonly object[]).map(textOf).join(',')}]`
      : canonicalText(value)
    return `${JSON.stringify(name)}:${text}`
  })
  return `{${texts.join(',')}}`
}

const textOf = memoizeByKey<object, string>(canonicalText)
