import type { Clock } from '../lib/clock.ts'
import { Problem } from '../lib/problem.ts'
import { openSerialQueue } from '../lib/serial-queue.ts'
import type { ColumnBlock } from '../schema/column-block.ts'
import {
  buildErasureRule,
  erasureSql,
  withoutErasedLines,
  withoutErasedRows,
  type ErasureRule,
  type ErasureSelector,
} from './erasure-rule.ts'
import type { RollupKeeper } from './open-rollups.ts'
import type { SelectRows } from './rollup-log.ts'
import type { Table } from './tables.ts'

/** An erasure, and the rows of its subject before and after it. */
export type Erasure = ErasureRule & {
  readonly isFinished: boolean
  /** Rows of `requests`. */
  readonly before: number
  readonly after: number
}

export type ErasureRequest = {
  readonly id: string
  readonly selector: ErasureSelector
  readonly value: string
  /** Id of a workspace; all when absent. */
  readonly workspace?: string | undefined
}

/** Erases the events of a subject, also those that arrive later and are older than the request. */
export type Erasures = {
  /** Resolves once no row of the subject is stored. Another process continues it when this one ends. */
  erase(this: void, request: ErasureRequest): Promise<Erasure>
  /** Newest first. */
  list(this: void): Promise<readonly Erasure[]>
  /** Finishes what other processes began; returns how many. */
  resume(this: void): Promise<number>
  /** Erases again, after rows from before these erasures were restored. */
  repeat(this: void, since: number): Promise<void>
  /** Whether something was erased in the last hours. */
  isRecent(this: void): boolean
  /** Reads the rules of other processes. */
  refresh(this: void): Promise<void>
  withoutErased(this: void, block: ColumnBlock): ColumnBlock
  withoutErasedLines(this: void, ndjson: Buffer): Buffer
}

/** Kept for good: a gateway may be disconnected, and a backup be restored, after years. */
export const erasuresTable: Table = {
  name: 'erasures',
  columns: {
    id: { type: 'String' },
    time: { type: `DateTime64(3, 'UTC')` },
    workspace: { type: 'String' },
    selector: { type: 'LowCardinality(String)' },
    salt: { type: 'String' },
    hash: { type: 'String' },
    rows_before: { type: 'UInt64' },
    rows_after: { type: 'UInt64' },
    finished: { type: 'UInt8' },
    version: { type: 'UInt64' },
  },
  engine: 'ReplacingMergeTree',
  version: 'version',
  orderBy: 'id',
  retentionDays: 20_000,
}

export type ErasureOptions = {
  readonly query: SelectRows
  readonly command: (sql: string) => Promise<unknown>
  readonly rollups: RollupKeeper
  /** The table with the events of subjects; without it there is nothing to erase. */
  readonly table: Table | undefined
  /** Waits for the inserts that are running. */
  readonly untilInserted: () => Promise<unknown>
  /** Whether other processes store rows too. */
  readonly isShared: boolean
  readonly clock: Clock
}

/** Passes over the rows until none is left; another process may have stored some meanwhile. */
const maxPasses = 5

/** Milliseconds for which another process may still store a row that it read before an erasure. */
const overlap = 10 * 60_000

export async function openErasures(options: ErasureOptions): Promise<Erasures> {
  const { query, command, rollups, untilInserted, isShared, clock } = options
  const { name, columns } = options.table ?? { name: '', columns: {} }
  const queue = openSerialQueue()
  let known: readonly Erasure[] = []

  const refresh = async (): Promise<void> => {
    if (name !== '') known = (await query(readSql)).map(erasureOf)
  }
  await refresh()

  const write = async (erasure: Erasure): Promise<Erasure> => {
    await command(writeSql(erasure, clock.now()))
    known = [...known.filter(({ id }) => id !== erasure.id), erasure]
    return erasure
  }
  const countRows = async (where: string): Promise<number> => {
    const [row] = await query(`SELECT count() AS rows FROM ${name} WHERE ${where}`)
    return Number(row?.['rows'])
  }
  const removeRows = async (where: string, rule: ErasureRule): Promise<void> => {
    const slots = await query(
      `SELECT DISTINCT toUnixTimestamp(toStartOfFiveMinutes(time)) * 1000 AS slot FROM ${name} WHERE ${where} ORDER BY slot`,
    )
    const times = slots.map(({ slot }) => Number(slot))
    await rollups.change(name, times, async () => {
      await command(`ALTER TABLE ${name} DELETE WHERE ${where} SETTINGS mutations_sync = 2`)
      await rollups.untilBuilt()
    })
    for (const rollup of rollups.list) {
      const rolled = rollup.source === name && erasureSql(rule, rollup.keys)
      if (!rolled) continue
      const valid = rollups.units(rollup, 0, Infinity).map(({ build }) => build)
      const isOld = valid.length === 0 ? '' : ` AND build NOT IN (${valid.join(', ')})`
      await command(
        `ALTER TABLE ${rollup.name} DELETE WHERE ${rolled}${isOld} SETTINGS mutations_sync = 2`,
      )
    }
  }

  /** Erases until nothing is left. */
  const run = (erasure: Erasure): Promise<Erasure> =>
    queue.run(async () => {
      // Later inserts leave the rows out.
      await untilInserted()
      const where = erasureSql(erasure, Object.keys(columns)) as string
      const found = await countRows(where)
      const before = Math.max(erasure.before, found)
      let after = found
      for (let pass = 0; after > 0 && pass < maxPasses; pass += 1) {
        await removeRows(where, erasure)
        after = await countRows(where)
      }
      return await write({ ...erasure, before, after, isFinished: after === 0 })
    })

  return {
    refresh,
    isRecent: () => known.some(({ time }) => time > clock.now() - recently),
    async erase({ id, selector, value, workspace = '' }) {
      const request = { id, selector, workspace, time: clock.now() }
      const rule = buildErasureRule(request, value)
      const done = await run(await write({ ...rule, isFinished: false, before: 0, after: 0 }))
      if (done.isFinished) return done
      throw new Problem(
        'warehouse.erasure',
        503,
        `Erasure ${id} is not complete: ${done.after} requests are left. It is continued.`,
      )
    },
    async list() {
      await refresh()
      return known.toSorted((one, other) => other.time - one.time)
    },
    async resume() {
      if (isShared) await refresh()
      const young = clock.now() - overlap
      const due = known.filter((one) => !one.isFinished || (isShared && one.time > young))
      for (const erasure of due) await run(erasure)
      return due.filter(({ isFinished }) => !isFinished).length
    },
    async repeat(since) {
      for (const erasure of known.filter(({ time }) => time >= since)) await run(erasure)
    },
    withoutErased: (block) => withoutErasedRows(block, known),
    withoutErasedLines: (ndjson) => withoutErasedLines(ndjson, known),
  }
}

/** Milliseconds after which rows of earlier builds of rollups are gone. */
const recently = 3 * 3_600_000

const readSql = `SELECT id, toUnixTimestamp64Milli(time) AS time, workspace, selector, salt, hash,
  rows_before AS before, rows_after AS after, finished
FROM erasures FINAL`

const erasureOf = ({ finished, ...row }: Readonly<Record<string, unknown>>): Erasure =>
  ({ ...row, isFinished: finished === 1 }) as unknown as Erasure

/** Every text is an id, a name of a selector or hexadecimal. */
function writeSql(erasure: Erasure, version: number): string {
  const { id, time, workspace, selector, salt, hash, before, after, isFinished } = erasure
  const texts = [workspace, selector, salt, hash].map((text) => `'${text}'`).join(', ')
  return `INSERT INTO erasures (${Object.keys(erasuresTable.columns).join(', ')})
SELECT '${id}', fromUnixTimestamp64Milli(${time}, 'UTC'), ${texts}, ${before}, ${after}, ${Number(isFinished)}, ${Math.floor(version)} * 2 + ${Number(isFinished)}`
}
