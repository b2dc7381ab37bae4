import { readPublicKey } from '../audit/audit-key.ts'
import { verifyChain } from '../audit/verify-chain.ts'
import type { AuditCheckpoint, AuditReport, ChainedRecord } from '../schema/audit-record.ts'
import type { AuditRows } from '../store/audit-rows.ts'

/** By what a log is verified, beside what is kept with it. */
export type Witnesses = {
  /** PEM texts of the keys whose signature counts. */
  readonly keys: readonly string[]
  /** Checkpoints that were taken out of the store before and kept elsewhere. */
  readonly checkpoints?: readonly AuditCheckpoint[]
}

const atOnce = 1000

/** Verifies the log of a store, which may grow and be pruned meanwhile. */
export async function verifyAudit(
  rows: Pick<AuditRows, 'read' | 'signed'>,
  witnesses: Witnesses,
): Promise<AuditReport> {
  const { base, head, along } = await rows.signed()
  const keys = new Map(
    witnesses.keys.map((pem) => readPublicKey(pem)).map(({ id, key }) => [id, key]),
  )
  // PostgreSQL has no infinite bigint.
  const end = head?.sequence ?? Number.MAX_SAFE_INTEGER - 1
  const kept = (witnesses.checkpoints ?? []).filter(
    ({ sequence }) => base === undefined || sequence > base.sequence,
  )
  const report = await verifyChain({
    records: () => recordsOf(rows, end),
    base,
    head,
    along: [...along, ...kept],
    keys,
  })
  const isPruned = (await rows.signed()).base?.sequence !== base?.sequence
  return isPruned ? verifyAudit(rows, witnesses) : report
}

/** The records up to the end, and those after it that a later end does not reach either. */
async function* recordsOf(
  rows: Pick<AuditRows, 'read' | 'signed'>,
  end: number,
): AsyncGenerator<ChainedRecord> {
  let above = Number.MIN_SAFE_INTEGER
  for (;;) {
    const page = await rows.read({ above, below: end + 1 }, atOnce, true)
    yield* page
    const last = page.at(-1)
    if (last === undefined || page.length < atOnce) break
    above = last.sequence
  }
  const beyond = await rows.read({ above: end }, atOnce)
  const { head } = await rows.signed()
  const present = head?.sequence ?? end
  yield* beyond.filter(({ sequence }) => sequence > present).toReversed()
}
