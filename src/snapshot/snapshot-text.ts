import { canonicalText } from '../lib/canonical-text.ts'
import { memoizeByKey } from '../lib/memoize-by-key.ts'
import { listNames, type Snapshot } from '../schema/snapshot.ts'

/** The canonical text of a snapshot as JSON, in format 1. The texts of its entities are cached. */
export function snapshotText(snapshot: Snapshot): string {
  const texts = listNames.map((list) => {
    const items: Iterable<object> = snapshot[list].values()
    return [list, `[${[...items].map(textOf).join(',')}]`] as const
  })
  const members = [...texts, ['format', '1'] as const].toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`
}

const textOf = memoizeByKey<object, string>(canonicalText)
