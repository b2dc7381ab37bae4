import { hashOfLink } from '../lib/hash-chain.ts'
import type { AuditPlace, AuditRecord, ChainedRecord } from '../schema/audit-record.ts'

/** The record as the link after a place of the chain. */
export function chainRecord(last: AuditPlace, record: AuditRecord): ChainedRecord {
  // What is hashed is what a reader gets back: no undefined, no number that JSON does not have.
  const plain = JSON.parse(JSON.stringify(record, storable)) as AuditRecord
  const { principal: who } = plain
  const principal = who === null ? null : { id: who.id, name: who.name }
  const link = { ...plain, principal, sequence: last.sequence + 1, previous: last.hash }
  return { ...link, hash: hashOfLink(link) }
}

/** UTF-8 has no half of a surrogate pair, and PostgreSQL no NUL; what callers send of these comes back as U+FFFD. */
const storable = (_name: string, value: unknown): unknown =>
  typeof value === 'string' ? value.toWellFormed().replaceAll('\0', '\uFFFD') : value

/** The hash that a record should have by what it says; `place` may say it stood elsewhere. */
export function hashOfRecord(
  record: ChainedRecord,
  place: { readonly sequence?: number; readonly previous?: string } = {},
): string {
  const { hash: _hash, ...link } = record
  return hashOfLink({ ...link, ...place })
}
