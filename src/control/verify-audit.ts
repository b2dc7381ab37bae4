import { readPublicKey } from '../audit/audit-key.ts'
import { verifyChain } from '../audit/verify-chain.ts'
import { yieldToEventLoop } from '../lib/cooperative-task.ts'
import type { AuditCheckpoint, AuditReport, ChainedRecord } from '../schema/audit-record.ts'
import type { AuditedRevision, AuditRows } from '../store/audit-rows.ts'

/** What a log is verified against, beside its own checkpoints. */
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

type Rows = Pick<AuditRows, 'read' | 'signed' | 'newestRevision'>

/** Verifies the log of a store. Records may be appended and pruned during the verification. */
export async function verifyAudit(rows: Rows, trust: TrustAnchors): Promise<AuditReport> {
  const newest = await rows.newestRevision()
  const { base, head, along } = await rows.signed()
  const keys = new Map(trust.keys.map((pem) => readPublicKey(pem)).map(({ id, key }) => [id, key]))
  // PostgreSQL has no infinite bigint.
  const end = head?.sequence ?? Number.MAX_SAFE_INTEGER - 1
  const exported = (trust.checkpoints ?? []).filter(
    ({ sequence }) => base === undefined || sequence >= base.sequence,
  )
  const seen = { revision: 0, time: base === undefined ? 0 : Number.POSITIVE_INFINITY }
  const report = await verifyChain({
    records: () => noteRevisions(recordsOf(rows, end), seen),
    base,
    head,
    along: [...along, ...exported],
    keys,
  })
  const isPruned = (await rows.signed()).base?.sequence !== base?.sequence
  if (isPruned) return verifyAudit(rows, trust)
  // The record of a revision is pruned only when all that are left are younger.
  const isBehind = newest !== undefined && newest.number > seen.revision && newest.time >= seen.time
  return isBehind ? withMissingEnd(report, newest) : report
}

/** Notes the newest revision and the earliest time of the records that pass. */
async function* noteRevisions(
  records: AsyncGenerator<ChainedRecord>,
  seen: { revision: number; time: number },
): AsyncGenerator<ChainedRecord> {
  for await (const record of records) {
    seen.revision = Math.max(seen.revision, record.revision ?? 0)
    seen.time = Math.min(seen.time, record.time)
    yield record
  }
}

function withMissingEnd(report: AuditReport, { number }: AuditedRevision): AuditReport {
  const next = report.last + 1
  const says = `The configuration is at revision ${number}, but the log ${
    report.records === 0 ? 'is empty' : `ends at record ${report.last} without it`
  }.`
  const missing = { kind: 'missing', sequence: next, through: next, says } as const
  return { ...report, intact: false, faults: [...report.faults, missing] }
}

/** The records up to `end`, then those beyond it that the present head does not cover either. */
async function* recordsOf(rows: Rows, end: number): AsyncGenerator<ChainedRecord> {
  let above = Number.MIN_SAFE_INTEGER
  for (;;) {
    const page = await rows.read({ above, below: end + 1 }, batchSize, true)
    yield* page
    await yieldToEventLoop()
    const last = page.at(-1)
    if (last === undefined || page.length < batchSize) break
    above = last.sequence
  }
  const beyond = await rows.read({ above: end }, maxBeyond)
  const { head } = await rows.signed()
  const present = head?.sequence ?? end
  yield* beyond.filter(({ sequence }) => sequence > present).toReversed()
}
