import { readPublicKey } from '../audit/audit-key.ts'
import { hashOfRevision } from '../audit/chain-record.ts'
import { maxFaults, verifyChain } from '../audit/verify-chain.ts'
import { yieldToEventLoop } from '../lib/cooperative-task.ts'
import type {
  AuditCheckpoint,
  AuditFault,
  AuditReport,
  ChainedRecord,
  Revision,
} from '../schema/audit-record.ts'
import { systemName } from './permit.ts'
import type { AuditRows } from '../store/audit-rows.ts'

/** Trusted in addition to the log's own checkpoints. */
export type TrustAnchors = {
  /** Trusted public keys, PEM. */
  readonly keys: readonly string[]
  /** Checkpoints exported earlier and stored outside of the log. */
  readonly checkpoints?: readonly AuditCheckpoint[]
}

/** Records that are read and verified between two pauses, about 10 ms. */
const batchSize = 100

/** Records beyond the signed end that are reported. */
const maxBeyond = 1000

type Rows = Pick<AuditRows, 'read' | 'signed' | 'revisions' | 'revisionEnds'>

/** Verifies the log of a store. Records may be appended and pruned during the verification. */
export async function verifyAudit(rows: Rows, trust: TrustAnchors): Promise<AuditReport> {
  const newest = (await rows.revisionEnds())?.newest
  const { base, head, along } = await rows.signed()
  const keys = new Map(trust.keys.map((pem) => readPublicKey(pem)).map(({ id, key }) => [id, key]))
  // PostgreSQL has no infinite bigint.
  const end = head?.sequence ?? Number.MAX_SAFE_INTEGER - 1
  const exported = (trust.checkpoints ?? []).filter(
    ({ sequence }) => base === undefined || sequence >= base.sequence,
  )
  const seen = { revision: 0, time: base === undefined ? 0 : Number.POSITIVE_INFINITY }
  const changed: AuditFault[] = []
  const chain = await verifyChain({
    records: () => {
      changed.length = 0
      return checkRevisions(rows, recordsOf(rows, end), changed, seen)
    },
    base,
    head,
    along: [...along, ...exported],
    keys,
  })
  const report = withFaults(chain, changed)
  const isPruned = (await rows.signed()).base?.sequence !== base?.sequence
  if (isPruned) return verifyAudit(rows, trust)
  // The record of a revision is pruned only when all that are left are younger.
  const isBehind = newest !== undefined && newest.number > seen.revision && newest.time >= seen.time
  return isBehind ? withMissingEnd(report, newest) : report
}

/** Compares the revisions of the records that pass with their hashes, and notes the newest revision and the earliest time. */
async function* checkRevisions(
  rows: Rows,
  pages: AsyncGenerator<readonly ChainedRecord[]>,
  faults: AuditFault[],
  seen: { revision: number; time: number },
): AsyncGenerator<ChainedRecord> {
  for await (const page of pages) {
    faults.push(...(await changedRevisions(rows, page)))
    for (const record of page) {
      seen.revision = Math.max(seen.revision, record.revision ?? 0)
      seen.time = Math.min(seen.time, record.time)
      yield record
    }
  }
}

/** A fault for each record whose revision has a different row, or is missing although older revisions exist. */
async function changedRevisions(
  rows: Rows,
  page: readonly ChainedRecord[],
): Promise<readonly AuditFault[]> {
  const numbers = page.flatMap(({ revision }) => revision ?? [])
  if (numbers.length === 0) return []
  const found = new Map((await rows.revisions(numbers)).map((row) => [row.number, row]))
  // Read afterwards: revisions are pruned from the oldest on.
  const oldest = (await rows.revisionEnds())?.oldest.number ?? Number.POSITIVE_INFINITY
  return page.flatMap((record) => {
    const { sequence, revision: number } = record
    if (number === null) return []
    const row = found.get(number)
    if (row === undefined ? number < oldest : isRowOf(record, row)) return []
    const what = row === undefined ? 'is missing' : 'was changed'
    const says = `Revision ${number}, which record ${sequence} created, ${what}.`
    return [{ kind: row === undefined ? 'missing' : 'changed', sequence, through: sequence, says }]
  })
}

/** Records from before 0010-revision-hashes contain only the author and time of a revision. */
function isRowOf({ revisionHash, time, principal }: ChainedRecord, row: Revision): boolean {
  if (revisionHash !== undefined) return hashOfRevision(row) === revisionHash
  return row.time === time && row.principal === (principal?.name ?? systemName)
}

function withFaults(report: AuditReport, more: readonly AuditFault[]): AuditReport {
  if (more.length === 0) return report
  const faults = [...report.faults, ...more].toSorted((a, b) => a.sequence - b.sequence)
  return { ...report, intact: false, faults: faults.slice(0, maxFaults) }
}

function withMissingEnd(report: AuditReport, { number }: Revision): AuditReport {
  const next = report.last + 1
  const says = `The configuration is at revision ${number}, but the log ${
    report.records === 0 ? 'is empty' : `ends at record ${report.last} without it`
  }.`
  return withFaults(report, [{ kind: 'missing', sequence: next, through: next, says }])
}

/** Pages of the records up to `end`, then those beyond it that the present head does not cover either. */
async function* recordsOf(rows: Rows, end: number): AsyncGenerator<readonly ChainedRecord[]> {
  let above = Number.MIN_SAFE_INTEGER
  for (;;) {
    const page = await rows.read({ above, below: end + 1 }, batchSize, true)
    yield page
    await yieldToEventLoop()
    const last = page.at(-1)
    if (last === undefined || page.length < batchSize) break
    above = last.sequence
  }
  const beyond = await rows.read({ above: end }, maxBeyond)
  const { head } = await rows.signed()
  const present = head?.sequence ?? end
  yield beyond.filter(({ sequence }) => sequence > present).toReversed()
}
