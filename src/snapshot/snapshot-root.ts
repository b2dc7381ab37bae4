import { hash } from 'node:crypto'
import { canonicalText } from '../lib/canonical-text.ts'
import { runToCompletion, type CooperativeTask } from '../lib/cooperative-task.ts'
import type { RadixMap } from '../lib/radix-map.ts'
import { listNames, type ListName, type Snapshot } from '../schema/snapshot.ts'

/** Hashed with everything, so that a snapshot of another format has another root. */
export const snapshotFormat = 2

/** The Merkle root of a snapshot, base64: a digest of every item. Costs what differs from snapshots whose roots are known. */
export const snapshotRoot = (snapshot: Snapshot): string => runToCompletion(rootSteps(snapshot))

/** `snapshotRoot` as a cooperative task. */
export function* rootSteps(snapshot: Snapshot): CooperativeTask<string> {
  const lists: string[] = []
  for (const list of listNames) {
    if (!laterLists.has(list) || snapshot[list].size > 0)
      lists.push(`${list} ${yield* listDigest(snapshot[list])}`)
  }
  return sha256([`format ${snapshotFormat}`, ...lists].join('\n'))
}

/** Lists that versions before them do not have: without items they change no root. */
const laterLists: ReadonlySet<ListName> = new Set([
  'basic_auths',
  'jwts',
  'hmac_auths',
  'mtls_auths',
])

/** Caches the digest of an item whose canonical text was read. */
export const keepDigest = (item: object, text: string): void =>
  void itemDigests.set(item, sha256(text))

const itemDigests = new WeakMap<object, string>()
const nodeDigests = new WeakMap<object, string>()

const listDigest = (list: RadixMap<object>): CooperativeTask<string> =>
  list.foldSteps(nodeDigests, {
    leaf: (items) => sha256(['leaf', ...items.map(itemDigest)].join('\n')),
    branch: (codes, parts) =>
      sha256(['branch', ...parts.map((part, at) => `${codes[at]} ${part}`)].join('\n')),
  })

/** The digest of an item; equal items have equal digests. */
export function itemDigest(item: object): string {
  const known = itemDigests.get(item)
  if (known !== undefined) return known
  const digest = sha256(canonicalText(item))
  itemDigests.set(item, digest)
  return digest
}

const sha256 = (text: string): string => hash('sha256', text, 'base64')
