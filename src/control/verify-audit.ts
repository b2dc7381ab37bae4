import { readPublicKey } from '../audit/audit-key.ts'
import { verifyChain } from '../audit/verify-chain.ts'
import type { AuditCheckpoint, AuditReport, ChainedRecord } from '../schema/audit-record.ts'
import type { AuditRows } from '../store/audit-rows.ts'

/** What a log is verified against, beside its own checkpoints. */
export type TrustAnchors = {
  /** Trusted public keys, PEM. */
  readonly keys: readonly string[]
  /** Checkpoints exported earlier and stored outside of the log. */
  readonly checkpoints?: readonly AuditCheckpoint[]
}

const batchSize = 1000

/** Verifies the log of a store. Records may be appended and pruned during the verification. */
export async function verifyAudit(
  rows: Pick<AuditRows, 'read' | 'signed'>,
  trust: TrustAnchors,
): Promise<AuditReport> {
  const { base, head, along } = await rows.signed()
  const keys = new Map(trust.keys.map((pem) => readPublicKey(pem)).map(({ id, key }) => [id, key]))
  // PostgreSQL has no infinite bigint.
  const end = head?.sequence ?? Number.MAX_SAFE_INTEGER - 1
  const exported = (trust.checkpoints ?? []).filter(
    ({ sequence }) => base === undefined || sequence > base.sequence,
  )
  const report = await verifyChain({
    records: () => recordsOf(rows, end),
    base,
    head,
    along: [...along, ...exported],
    keys,
  })
  const isPruned = (await rows.signed()).base?.sequence !== base?.sequence
  return isPruned ? verifyAudit(rows, trust) : report
}

/** The records up to `end`, then those beyond it that the present head does not cover either. */
async function* recordsOf(
  rows: Pick<AuditRows, 'read' | 'signed'>,
  end: number,
): AsyncGenerator<ChainedRecord> {
  let above = Number.MIN_SAFE_INTEGER
  for (;;) {
    const page = await rows.read({ above, below: end + 1 }, batchSize, true)
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < batchSize) break
    above = last.sequence
  }
  const beyond = await rows.read({ above: end }, batchSize)
  const { head } = await rows.signed()
  const present = head?.sequence ?? end
  yield* beyond.filter(({ sequence }) => sequence > present).toReversed()
}
