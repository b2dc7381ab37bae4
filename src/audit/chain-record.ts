import { hashOfLink } from '../lib/hash-chain.ts'
import type { AuditPlace, AuditRecord, ChainedRecord, Revision } from '../schema/audit-record.ts'

/** Chains a record after the last position. */
export function chainRecord(last: AuditPlace, record: AuditRecord): ChainedRecord {
  // Hashes the record as it is read back: JSON has no undefined, NaN or Infinity.
  const plain = JSON.parse(JSON.stringify(record, storable)) as AuditRecord
  const { principal: given } = plain
  const principal = given === null ? null : { id: given.id, name: given.name }
  const link = { ...plain, principal, sequence: last.sequence + 1, previous: last.hash }
  return { ...link, hash: hashOfLink(link) }
}

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
