import { verify } from 'node:crypto'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Cipher } from '../lib/cipher.ts'
import type { CooperativeTask } from '../lib/cooperative-task.ts'
import { Problem } from '../lib/problem.ts'
import { snapshotOf, type Snapshot, type SnapshotLists } from '../schema/snapshot.ts'
import { unknownFormat } from '../snapshot/read-delta.ts'

/** A snapshot of format 1: an Ed25519 signature over `revision`, a line feed and `body`. */
export type LegacySnapshot = {
  readonly revision: number
  /** JSON text of SnapshotLists. */
  readonly body: string
  /** base64 */
  readonly signature: string
  readonly publicKey: string
}

/** Reads the snapshot that a version with format 1 kept on disk; undefined when there is none. */
export function readLegacySnapshot(
  directory: string,
  { open }: Pick<Cipher, 'open'>,
): LegacySnapshot | undefined {
  const [sealed, clear] = filesIn(directory)
  if (existsSync(sealed)) return parse(open(readFileSync(sealed, 'utf8'), 'gateway/snapshot'))
  return existsSync(clear) ? parse(readFileSync(clear, 'utf8')) : undefined
}

/** Removes what `readLegacySnapshot` reads. */
export function removeLegacySnapshot(directory: string): void {
  for (const file of filesIn(directory)) rmSync(file, { force: true })
}

/** The encrypted file, and the one in clear from before there was encryption. */
const filesIn = (directory: string) =>
  [join(directory, 'snapshot.sealed'), join(directory, 'snapshot.json')] as const

/** Verifies the signature and returns the snapshot. */
export function* verifyLegacySteps(legacy: LegacySnapshot): CooperativeTask<Snapshot> {
  const { revision, body, signature, publicKey } = legacy
  const bytes = Buffer.from(`${revision}\n${body}`)
  yield
  if (!verify(null, bytes, publicKey, Buffer.from(signature, 'base64')))
    throw new Problem('snapshot.signature', 403, `The seal of revision ${revision} is not valid`)
  yield
  const lists = JSON.parse(body) as SnapshotLists & { readonly format: number }
  if (lists.format !== 1) throw unknownFormat()
  const consumers = lists.consumers.map((consumer) => ({ ...groupless, ...consumer }))
  return snapshotOf({ ...lists, consumers })
}

/** Fields that consumers of older versions do not have. */
const groupless: { readonly consumer_groups?: readonly string[] } = { consumer_groups: [] }

/** The head is one line of JSON, then the body follows; the oldest files are one JSON value. */
function parse(text: string): LegacySnapshot {
  const end = text.indexOf('\n')
  if (end >= 0) return { ...parseHead(text.slice(0, end)), body: text.slice(end + 1) }
  const { sealed, publicKey } = JSON.parse(text) as { sealed: LegacySnapshot; publicKey: string }
  return { ...sealed, publicKey }
}

const parseHead = (text: string) => JSON.parse(text) as Omit<LegacySnapshot, 'body'>
