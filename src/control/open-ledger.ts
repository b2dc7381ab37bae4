import type { Rights } from '../access/rights.ts'
import { decideRow } from '../access/decide-row.ts'
import { collectionRule } from '../access/row-rules.ts'
import type { AuditKey } from '../audit/audit-key.ts'
import { chainRecord } from '../audit/chain-record.ts'
import { signCheckpoint } from '../audit/checkpoint.ts'
import type { Clock } from '../lib/clock.ts'
import { uuidv7 } from '../lib/ids.ts'
import type {
  AuditCheckpoint,
  AuditFilter,
  AuditRecord,
  AuditReport,
  ChainedRecord,
} from '../schema/audit-record.ts'
import { defaultWorkspace } from '../entities/default-workspace.ts'
import type { AppendAudit, AuditRows, AuditSigned } from '../store/audit-rows.ts'
import { openAuditThrottle } from './audit/open-audit-throttle.ts'
import { verifyAudit } from './verify-audit.ts'

/** The audit log: what was done and refused, in a chain that cannot be rewritten unnoticed. */
export type Ledger = {
  /** Ed25519 public key that proves a checkpoint, SPKI PEM. */
  readonly publicKeyPem: string
  /** Makes a record the next link, for whoever keeps it together with a change. */
  link(record: AuditRecord): AppendAudit
  /** Keeps a record of something that changed nothing; a flood of refusals of nobody known comes as a few and a count. */
  keep(record: AuditRecord): Promise<void>
  /** Keeps what was only counted so far. */
  settle(): Promise<void>
  /** Records in the order they were kept, or newest first, at most `limit`. Does not ask who may. */
  read(filter: AuditFilter, limit: number, oldestFirst?: boolean): Promise<ChainedRecord[]>
  /** Records of those workspaces only whose audit log the principal may read, newest first; undefined when there is no such workspace among those asked for. */
  readFor(rights: Rights, filter: AuditFilter, limit: number): Promise<ChainedRecord[] | undefined>
  signed(): Promise<AuditSigned>
  /** The end of the log, to be kept elsewhere. */
  head(): Promise<AuditCheckpoint | undefined>
  verify(): Promise<AuditReport>
  /** Removes records from before a time; a signed checkpoint stands for them, and a record says so. */
  prune(before: number): Promise<number>
}

const between = 100

/** Opens the audit log on the rows it rests in. */
export function openLedger(rows: AuditRows, key: AuditKey, clock: Clock): Ledger {
  const link =
    (record: AuditRecord): AppendAudit =>
    (last) => {
      const chained = chainRecord(last, record)
      const sign = (kind: 'head' | 'along') => signCheckpoint(key, kind, chained, clock.now())
      const isPlace = chained.sequence % between === 0
      return { record: chained, head: sign('head'), along: isPlace ? sign('along') : undefined }
    }
  const throttle = openAuditThrottle(clock)
  const append = async (records: readonly AuditRecord[]): Promise<void> => {
    for (const record of records) await rows.append(link(record))
  }
  const keep = (record: AuditRecord): Promise<void> => append(throttle.pass(record))
  return {
    publicKeyPem: key.publicPem,
    link,
    keep,
    settle: () => append(throttle.drain()),
    read: (filter, limit, oldestFirst) => rows.read(filter, limit, oldestFirst),
    async readFor(rights, filter, limit) {
      const rule = collectionRule(rights, 'audit')
      if (rule.is === 'true') return rows.read(filter, limit)
      const wanted = filter.workspaces
      const readable = (await rows.workspaces()).filter(
        ({ id, name }) =>
          decideRow(rule, { workspace: id, workspace_name: name }) &&
          (wanted === undefined || wanted.some((one) => one.id === id && one.name === name)),
      )
      if (readable.length === 0) return undefined
      return rows.read({ ...filter, workspaces: readable }, limit)
    },
    signed: () => rows.signed(),
    head: async () => (await rows.signed()).head,
    verify: () => verifyAudit(rows, { keys: [key.publicPem] }),
    async prune(before) {
      let through = 0
      const pruned = await rows.prune(before, (last) => {
        through = last.sequence
        return signCheckpoint(key, 'pruned', last, clock.now())
      })
      if (pruned > 0) await keep(describePruning(clock.now(), pruned, through))
      return pruned
    },
  }
}

const describePruning = (time: number, records: number, through: number): AuditRecord => ({
  id: uuidv7(time),
  time,
  requestId: '',
  principal: null,
  address: '',
  workspace: defaultWorkspace.name,
  workspaceId: defaultWorkspace.id,
  method: 'DELETE',
  path: '/audit',
  action: 'delete',
  allowed: true,
  because: `Weir itself did this: ${records} records up to record ${through} were older than the log is kept.`,
  before: [],
  after: [],
  status: 204,
  revision: null,
})
