import { createHash, type Hash } from 'node:crypto'
import { canonicalText } from '../lib/canonical-text.ts'
import { runToCompletion, type CooperativeTask } from '../lib/cooperative-task.ts'
import { hashOfLink } from '../lib/hash-chain.ts'
import type { ChainPosition, AuditRecord, ChainedRecord, Revision } from '../schema/audit-record.ts'

/** A record whose lists may be long, and are made while they are read. */
export type UnchainedRecord = Omit<AuditRecord, ListName> &
  Readonly<Record<ListName, Iterable<unknown>>>

type ListName = 'before' | 'after'

/** A record whose lists are serialized and hashed, so that chaining it costs little. */
export type PreparedRecord = {
  /** The record as it is read back, without its lists. */
  readonly record: Omit<AuditRecord, ListName>
  /** The JSON of each item of its lists. */
  readonly lists: Readonly<Record<ListName, readonly string[]>>
  /** Of the members in front of `previous`, in the order in which `hashOfLink` hashes them. */
  readonly hash: Hash
}

/** Serializes and hashes what does not depend on the position in the chain. */
export function* prepareRecord(given: UnchainedRecord): CooperativeTask<PreparedRecord> {
  const { before, after, ...same } = given
  // Hashes the record as it is read back: JSON has no undefined, NaN or Infinity.
  const plain = readBack(same)
  const { principal } = plain
  const record: PreparedRecord['record'] = {
    ...plain,
    principal: principal === null ? null : { id: principal.id, name: principal.name },
  }
  const lists: Record<ListName, readonly string[]> = { before: [], after: [] }
  const hash = createHash('sha256')
  let separator = '{'
  for (const name of membersOf({ ...record, before, after })) {
    if (name >= firstOfPosition) break
    hash.update(`${separator}${JSON.stringify(name)}:`)
    separator = ','
    if (name === 'before' || name === 'after') lists[name] = yield* hashItems(given[name], hash)
    else hash.update(canonicalText(record[name]))
  }
  return { record, lists, hash }
}

/** Chains a prepared record after the last position. */
export function chainPrepared(
  last: ChainPosition,
  { record, hash }: PreparedRecord,
): Omit<ChainedRecord, ListName> {
  const link = { ...record, sequence: last.sequence + 1, previous: last.hash }
  const whole = hash.copy()
  for (const name of membersOf(link).filter((one) => one >= firstOfPosition))
    whole.update(`,${JSON.stringify(name)}:${canonicalText(link[name])}`)
  return { ...link, hash: whole.update('}').digest('hex') }
}

/** Chains a record after the last position. */
export function chainRecord(last: ChainPosition, record: AuditRecord): ChainedRecord {
  const prepared = runToCompletion(prepareRecord(record))
  const itemsOf = (name: ListName) => prepared.lists[name].map((text): unknown => JSON.parse(text))
  return { ...chainPrepared(last, prepared), before: itemsOf('before'), after: itemsOf('after') }
}

const firstOfPosition = 'previous'

const membersOf = <Members extends object>(link: Members): (keyof Members & string)[] =>
  (Object.keys(link) as (keyof Members & string)[]).sort((a, b) => (a < b ? -1 : 1))

/** Hashes the canonical text of a list, item by item as they are read back. Returns their JSON. */
function* hashItems(list: Iterable<unknown>, hash: Hash): CooperativeTask<readonly string[]> {
  const texts: string[] = []
  for (const item of list) {
    yield
    const text = JSON.stringify(item, storable) ?? 'null'
    hash.update(`${texts.length === 0 ? '[' : ','}${canonicalText(JSON.parse(text))}`)
    texts.push(text)
  }
  hash.update(texts.length === 0 ? '[]' : ']')
  return texts
}

const readBack = <Value>(value: Value): Value =>
  JSON.parse(JSON.stringify(value, storable)) as Value

/** UTF-8 cannot encode lone surrogates and PostgreSQL cannot store NUL; both are stored as U+FFFD. */
const storable = (_name: string, value: unknown): unknown =>
  typeof value === 'string' ? value.toWellFormed().replaceAll('\0', '\uFFFD') : value

/** A revision as its row is stored, and the hash of it that the record of its change contains. */
export function sealRevision(revision: Revision): {
  readonly revision: Revision
  readonly revisionHash: string
} {
  const plain = JSON.parse(JSON.stringify(revision, storable)) as Revision
  return { revision: plain, revisionHash: hashOfRevision(plain) }
}

export const hashOfRevision = (revision: Revision): string => hashOfLink({ ...revision })

/** The hash of a record's contents, optionally at another position. */
export function hashOfRecord(
  record: ChainedRecord,
  position: { readonly sequence?: number; readonly previous?: string } = {},
): string {
  const { hash: _hash, ...link } = record
  return hashOfLink({ ...link, ...position })
}
