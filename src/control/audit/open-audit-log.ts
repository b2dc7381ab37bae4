import type { Rights } from '../../access/rights.ts'
import { decideRow } from '../../access/decide-row.ts'
import { collectionRule } from '../../access/row-rules.ts'
import type { AuditKey } from '../../audit/audit-key.ts'
import { chainPrepared, prepareRecord, type UnchainedRecord } from '../../audit/chain-record.ts'
import { signCheckpoint } from '../../audit/checkpoint.ts'
import type { Clock } from '../../lib/clock.ts'
import { runBetweenEvents } from '../../lib/cooperative-task.ts'
import { uuidv7 } from '../../lib/ids.ts'
import type {
  AuditCheckpoint,
  AuditFilter,
  AuditRecord,
  AuditReport,
  ChainedRecord,
} from '../../schema/audit-record.ts'
import { defaultWorkspace } from '../../entities/default-workspace.ts'
import type { AppendAudit, AuditRows, AuditSigned } from '../../store/audit-rows.ts'
import { openAuditThrottle } from './open-audit-throttle.ts'
import { openSharedRun } from '../../lib/shared-run.ts'
import { verifyAudit } from '../verify-audit.ts'

/** The audit log: changes and refusals in a signed hash chain. */
export type AuditLog = {
  /** Ed25519 public key that proves a checkpoint, SPKI PEM. */
  readonly publicKeyPem: string
  /** Chains a record after the last one, for a caller that appends it in its own transaction. */
  link(record: UnchainedRecord): Promise<AppendAudit>
  /** Appends a record that belongs to no change. Unauthenticated refusals are throttled. */
  write(record: AuditRecord): Promise<void>
  /** Appends the summaries of suppressed records. */
  flush(): Promise<void>
  /** At most `limit` records, newest first unless `oldestFirst`. Checks no permissions. */
  read(filter: AuditFilter, limit: number, oldestFirst?: boolean): Promise<ChainedRecord[]>
  /** Records of the workspaces whose audit log the principal may read, newest first; undefined when the filter names no such workspace. */
  readFor(rights: Rights, filter: AuditFilter, limit: number): Promise<ChainedRecord[] | undefined>
  signed(): Promise<AuditSigned>
  /** The signed end of the log, for safekeeping outside of the store. */
  head(): Promise<AuditCheckpoint | undefined>
  verify(): Promise<AuditReport>
  /** Removes records older than a time (milliseconds since the epoch), leaves a signed checkpoint in their place and appends a record of it. Returns their number. */
  prune(before: number): Promise<number>
}

/** Records between two checkpoints along the chain. */
const checkpointInterval = 100

export function openAuditLog(rows: AuditRows, key: AuditKey, clock: Clock): AuditLog {
  const link = async (record: UnchainedRecord): Promise<AppendAudit> => {
    const prepared = await runBetweenEvents(prepareRecord(record))
    return (last) => {
      const chained = chainPrepared(last, prepared)
      const sign = (kind: 'head' | 'along') => signCheckpoint(key, kind, chained, clock.now())
      const isCheckpoint = chained.sequence % checkpointInterval === 0
      return {
        record: chained,
        lists: prepared.lists,
        head: sign('head'),
        along: isCheckpoint ? sign('along') : undefined,
      }
    }
  }
  const throttle = openAuditThrottle(clock)
  const append = async (records: readonly AuditRecord[]): Promise<void> => {
    for (const record of records) await rows.append(await link(record))
  }
  const write = (record: AuditRecord): Promise<void> => append(throttle.pass(record))
  return {
    publicKeyPem: key.publicPem,
    link,
    write,
    flush: () => append(throttle.drain()),
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
    verify: openSharedRun(() => verifyAudit(rows, { keys: [key.publicPem] })),
    async prune(before) {
      let through = 0
      const pruned = await rows.prune(before, (last) => {
        through = last.sequence
        return signCheckpoint(key, 'pruned', last, clock.now())
      })
      if (pruned > 0) await write(describePruning(clock.now(), pruned, through))
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
  because: `Weir itself did this: ${records} records up to record ${through} were older than the retention time.`,
  before: [],
  after: [],
  status: 204,
  revision: null,
})
