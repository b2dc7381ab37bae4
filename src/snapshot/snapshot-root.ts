import { hash } from 'node:crypto'
import { canonicalText } from '../lib/canonical-text.ts'
import type { RadixMap } from '../lib/radix-map.ts'
import { listNames, type Snapshot } from '../schema/snapshot.ts'

/** Hashed with everything, so that a snapshot of another format has another root. */
const format = 2

/** The Merkle root of a snapshot, base64: a digest of every item. Costs what differs from snapshots whose roots are known. */
export function snapshotRoot(snapshot: Snapshot): string {
  const lists = listNames.map((list) => `${list} ${listDigest(snapshot[list])}`)
  return sha256([`format ${format}`, ...lists].join('\n'))
}

const itemDigests = new WeakMap<object, string>()
const nodeDigests = new WeakMap<object, string>()

const listDigest = (list: RadixMap<object>): string =>
  list.fold(nodeDigests, {
    leaf: (items) => sha256(['leaf', ...items.map(itemDigest)].join('\n')),
    branch: (codes, parts) =>
      sha256(['branch', ...parts.map((part, at) => `${codes[at]} ${part}`)].join('\n')),
  })

function itemDigest(item: object): string {
  const known = itemDigests.get(item)
  if (known !== undefined) return known
  const digest = sha256(canonicalText(item))
  itemDigests.set(item, digest)
  return digest
}

const sha256 = (text: string): string => hash('sha256', text, 'base64')
