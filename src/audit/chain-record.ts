import { createHash, type Hash } from 'node:crypto'
import { canonicalText } from '../lib/canonical-text.ts'
import { runToCompletion, type CooperativeTask } from '../lib/cooperative-task.ts'
import { hashOfLink } from '../lib/hash-chain.ts'
import type { AuditPlace, AuditRecord, ChainedRecord, Revision } from '../schema/audit-record.ts'

/** A record whose long lists are serialized and hashed, so that chaining it costs little. */
export type PreparedRecord = {
  /** The record as it is read back. */
  readonly record: AuditRecord
  /** The JSON of its lists. */
  readonly lists: { readonly before: string; readonly after: string }
  /** Of the members in front of `previous`, in the order in which `hashOfLink` hashes them. */
  readonly hash: Hash
}

/** Serializes and hashes what does not depend on the position in the chain. */
export function* prepareRecord(record: AuditRecord): CooperativeTask<PreparedRecord> {
  // Hashes the record as it is read back: JSON has no undefined, NaN or Infinity.
  const plain = readBack({ ...record, before: [], after: [] })
  const before = yield* prepareList(record.before)
  const after = yield* prepareList(record.after)
  const { principal: given } = plain
  const principal = given === null ? null : { id: given.id, name: given.name }
  const own: AuditRecord = { ...plain, principal, before: before.items, after: after.items }
  const hash = createHash('sha256')
  const canonical = { before: before.canonical, after: after.canonical }
  for (const name of membersOf(own).filter((one) => one < firstOfPosition)) {
    const parts =
      name === 'before' || name === 'after' ? canonical[name] : [canonicalText(own[name])]
    hash.update(`${name === membersOf(own)[0] ? '{' : ','}${JSON.stringify(name)}:`)
    for (const part of parts) {
      yield
      hash.update(part)
    }
  }
  return { record: own, lists: { before: before.text, after: after.text }, hash }
}

/** Chains a prepared record after the last position. */
export function chainPrepared(last: AuditPlace, { record, hash }: PreparedRecord): ChainedRecord {
  const link = { ...record, sequence: last.sequence + 1, previous: last.hash }
  const whole = hash.copy()
  for (const name of membersOf(link).filter((one) => one >= firstOfPosition))
    whole.update(`,${JSON.stringify(name)}:${canonicalText(link[name])}`)
  return { ...link, hash: whole.update('}').digest('hex') }
}

/** Chains a record after the last position. */
export const chainRecord = (last: AuditPlace, record: AuditRecord): ChainedRecord =>
  chainPrepared(last, runToCompletion(prepareRecord(record)))

const firstOfPosition = 'previous'

const membersOf = <Members extends object>(link: Members): (keyof Members & string)[] =>
  (Object.keys(link) as (keyof Members & string)[]).sort((a, b) => (a < b ? -1 : 1))

/** The items of a list as they are read back, their JSON, and the parts of their canonical text. */
function* prepareList(list: readonly unknown[]): CooperativeTask<{
  readonly items: unknown[]
  readonly text: string
  readonly canonical: readonly string[]
}> {
  const items: unknown[] = []
  const texts: string[] = []
  const canonical: string[] = ['[']
  for (const given of list) {
    yield
    const text = JSON.stringify(given, storable) ?? 'null'
    const item: unknown = JSON.parse(text)
    items.push(item)
    texts.push(text)
    canonical.push(`${items.length === 1 ? '' : ','}${canonicalText(item)}`)
  }
  canonical.push(']')
  return { items, text: `[${texts.join(',')}]`, canonical }
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
