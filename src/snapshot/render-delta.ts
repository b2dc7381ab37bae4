import { canonicalText } from '../lib/canonical-text.ts'
import type { Difference } from '../lib/radix-map.ts'
import { listNames, type ListName, type Seal, type Snapshot } from '../schema/snapshot.ts'
import type { SnapshotMessage, SnapshotVersion } from '../schema/snapshot-message.ts'
import { snapshotFormat } from './snapshot-root.ts'

/** A snapshot with its seal. */
export type SealedState = { readonly snapshot: Snapshot; readonly seal: Seal }

/** A snapshot that a receiver has. */
export type KnownState = SnapshotVersion & { readonly snapshot: Snapshot }

/** About the number of characters in a part. An item that is larger than that makes a larger part. */
const partLength = 65_536

/**
 * Renders the messages that lead from one snapshot to another, or without the first, all of the second. Yields parts of
 * bounded length that consist of whole lines, each rendered when the generator resumes.
 */
export function* renderDelta(
  from: KnownState | undefined,
  to: SealedState,
  textOf: (item: object) => string = canonicalText,
): Generator<string> {
  let part = line({
    type: 'begin',
    format: snapshotFormat,
    from: from && { revision: from.revision, root: from.root },
    seal: to.seal,
  })
  for (const list of listNames) {
    for (const text of renderList(list, from?.snapshot, to.snapshot, textOf)) {
      part += text
      if (part.length < partLength) continue
      yield part
      part = ''
    }
  }
  yield part + line({ type: 'end' })
}

function* renderList(
  list: ListName,
  from: Snapshot | undefined,
  to: Snapshot,
  textOf: (item: object) => string,
): Generator<string> {
  let items: string[] = []
  let ids: string[] = []
  let length = 0
  const render = (): string => {
    const put = items.length > 0 ? line({ type: 'put', list, count: items.length }) : ''
    const remove = ids.length > 0 ? line({ type: 'remove', list, ids }) : ''
    const text = put + items.map((item) => `${item}\n`).join('') + remove
    items = []
    ids = []
    length = 0
    return text
  }
  for (const { key, after } of differences(list, from, to)) {
    if (after === undefined) ids.push(key)
    else items.push(textOf(after))
    length += after === undefined ? key.length : (items.at(-1)?.length ?? 0)
    if (length >= partLength) yield render()
  }
  yield render()
}

function* differences(
  list: ListName,
  from: Snapshot | undefined,
  to: Snapshot,
): Generator<Pick<Difference<object>, 'key' | 'after'>> {
  if (from !== undefined) return yield* from[list].differencesTo(to[list] as never)
  for (const [key, after] of to[list] as ReadonlyMap<string, object>) yield { key, after }
}

const line = (message: SnapshotMessage): string => `${JSON.stringify(message)}\n`
