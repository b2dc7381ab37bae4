import { randomInt } from 'node:crypto'
import type { Clock } from '../lib/clock.ts'
import { buildUnitSql, countUnitsSql } from './build-rollup.ts'
import {
  openRollupLog,
  type LoggedBuild,
  type RollupUnit,
  type SelectRows,
  type Span,
} from './rollup-log.ts'
import type { Rollup } from './rollup.ts'

/** Rollups as queries read them. */
export type Rollups = {
  readonly list: readonly Rollup[]
  /** The units that begin and end between two times and have every row of their source, in order. */
  units(rollup: Rollup, from: number, to: number): readonly RollupUnit[]
}

/** The rollups of a warehouse, which only the process that stores rows maintains. */
export type RollupKeeper = Rollups & {
  /** Runs work that stores or deletes rows of these times; units built from them are not read until they are rebuilt. */
  change<T>(source: string, times: Iterable<number>, work: () => Promise<T>): Promise<T>
  /** Forgets the units of a source, or of all, that begin before a time, for rows that were stored or removed without `change`. */
  forget(rows: { readonly source?: string; readonly to: number }): Promise<void>
  /** Waits for the unit that is being built. */
  untilBuilt(): Promise<void>
  /** Builds missing units whose time has passed, newest first, until the signal is aborted; returns their number. */
  refresh(signal?: AbortSignal): Promise<number>
}

export type RollupTiming = {
  /** Milliseconds after the end of a unit until it is built. */
  readonly grace: number
  /** Milliseconds after a change of a unit until it is built again. */
  readonly settle: number
}

export const defaultRollupTiming: RollupTiming = { grace: 60_000, settle: 30_000 }

export type RollupOptions = {
  readonly list: readonly Rollup[]
  readonly query: SelectRows
  readonly command: (sql: string) => Promise<unknown>
  /** Days for which the rows of a table are kept. */
  readonly daysOf: (table: string) => number
  /** Whether other processes store rows too. */
  readonly isShared: boolean
  /** Whether rows of earlier builds may contain erased data, so that marking them as deleted is not enough. */
  readonly hasErasures: () => boolean
  readonly clock: Clock
  readonly timing: RollupTiming
}

/** State of the units of one rollup, by start time. */
type Units = {
  readonly built: Map<number, RollupUnit>
  /** Units whose source must be checked again, and the time since when. */
  readonly pending: Map<number, number>
  /** The unit that is being built; undefined once its source has changed. */
  building: number | undefined
  /** Units before this time have been checked. */
  seenTo: number
}

export async function openRollups(options: RollupOptions): Promise<RollupKeeper> {
  const { list, query, command, clock, timing, isShared } = options
  const sources = new Map(list.map(({ name, source }) => [name, source]))
  const log = openRollupLog(query, command, sources)
  const state = new Map<Rollup, Units>(
    list.map((rollup) => [
      rollup,
      { built: new Map(), pending: new Map(), building: undefined, seenTo: 0 },
    ]),
  )
  const nextBuild = openBuildIds(clock)
  const unitsOf = (rollup: Rollup): Units => state.get(rollup) as Units
  const byName = new Map(list.map((rollup) => [rollup.name, rollup]))
  /** Starts of the slots that statements in progress change. */
  const changing = new Map<number, number>()

  const load = async (): Promise<void> => {
    if (list.length === 0) return
    const valid = Map.groupBy(await log.readValid(), ({ name }) => name)
    for (const [rollup, units] of state) {
      units.built.clear()
      for (const { from, to, build } of valid.get(rollup.name) ?? [])
        units.built.set(from, { from, to, build })
    }
  }
  await load()

  const isOver = (rollup: Rollup, start: number): boolean =>
    start + lengthOf(rollup) + timing.grace <= clock.now()

  /** Invalidates the units built from these slots; returns the slots to log. */
  const invalidate = (source: string, slots: Iterable<number>): Span[] => {
    const spans: Span[] = []
    for (const slot of slots) {
      let isKnown = false
      for (const [rollup, units] of state) {
        if (rollup.source !== source) continue
        const start = floor(slot, lengthOf(rollup))
        if (start < units.seenTo || units.pending.has(start)) units.pending.set(start, clock.now())
        if (units.building === start) units.building = undefined
        else if (!units.built.delete(start) && !(isShared && isOver(rollup, start))) continue
        isKnown = true
      }
      if (isKnown) spans.push({ from: slot, to: slot + slotLength })
    }
    return spans
  }

  const countRows = async (source: string, length: number, span: Span) => {
    const rows = await query(countUnitsSql(source, length, span))
    return new Map(rows.map((row) => [Number(row['start']), Number(row['rows'])]))
  }
  /** Counts each span once for all rollups with units of one length. */
  const openCounts = (): typeof countRows => {
    const known = new Map<string, ReturnType<typeof countRows>>()
    return (source, length, span) => {
      const key = `${source} ${length} ${span.from} ${span.to}`
      const counts = known.get(key) ?? countRows(source, length, span)
      known.set(key, counts)
      return counts
    }
  }

  /** Rows before it may have expired. */
  const oldestOf = (rollup: Rollup): number => {
    const days = rollup.retentionDays ?? options.daysOf(rollup.source)
    return Math.max(0, clock.now() - days * dayLength + hourLength)
  }
  const validUnits = (rollup: Rollup, from: number, to: number): readonly RollupUnit[] =>
    unitsBetween(unitsOf(rollup), lengthOf(rollup), Math.max(from, oldestOf(rollup)), to)

  /** The units that are over and not built, and have enough rows. */
  const findDue = async (rollup: Rollup, count: typeof countRows): Promise<readonly number[]> => {
    const units = unitsOf(rollup)
    const length = lengthOf(rollup)
    const seenFrom = Math.max(units.seenTo, Math.ceil(oldestOf(rollup) / length) * length)
    const seenTo = Math.max(0, floor(clock.now() - timing.grace, length))
    const settled = [...units.pending]
      .filter(([, since]) => since + timing.settle <= clock.now())
      .map(([start]) => start)
    const spans = [
      ...(seenFrom < seenTo ? [{ from: seenFrom, to: seenTo }] : []),
      ...settled.map((start) => ({ from: start, to: start + length })),
    ]
    const due: number[] = []
    for (const span of spans) {
      const counts = await count(rollup.source, length, span)
      for (const [start, rows] of counts)
        if (rows >= rollup.minRows && !units.built.has(start)) due.push(start)
    }
    units.seenTo = Math.max(units.seenTo, seenTo)
    for (const start of settled) units.pending.delete(start)
    for (const start of due) units.pending.set(start, 0)
    return [...new Set(due)].toSorted((one, other) => other - one)
  }

  const build = async (rollup: Rollup, start: number): Promise<void> => {
    const units = unitsOf(rollup)
    const unit = { from: start, to: start + lengthOf(rollup), build: nextBuild() }
    units.building = start
    units.pending.delete(start)
    try {
      const started = await log.now()
      await command(buildUnitSql(rollup, unit, finerUnits(rollup, unit)))
      if (units.building !== start) return
      await log.addBuild({ ...unit, name: rollup.name, started } satisfies LoggedBuild)
      // A change meanwhile has marked the unit, in the log after `started`.
      if (units.building === start) units.built.set(start, unit)
    } catch (error) {
      units.pending.set(start, clock.now())
      throw error
    } finally {
      units.building = undefined
    }
  }

  /** The finer rollup and its units, when they cover the whole unit. */
  const finerUnits = (rollup: Rollup, { from, to }: Span) => {
    const finer = byName.get(rollup.finer ?? '')
    if (finer === undefined) return undefined
    const units = validUnits(finer, from, to)
    return units.length * lengthOf(finer) === to - from ? { rollup: finer, units } : undefined
  }

  let building: Promise<unknown> = Promise.resolve()
  const isChanging = (rollup: Rollup, start: number): boolean =>
    [...changing.keys()].some((slot) => floor(slot, lengthOf(rollup)) === start)

  let oldestKept = clock.now()
  /** Removes rows of builds that no running plan can read. */
  const removeOldBuilds = async (): Promise<void> => {
    if (clock.now() < oldestKept + hourLength) return
    oldestKept = clock.now()
    for (const [rollup, units] of state) {
      const valid = new Set([...units.built.values()].map((unit) => unit.build))
      const stored = await query(`SELECT DISTINCT build FROM ${rollup.name}`)
      const old = stored
        .map((row) => Number(row['build']))
        .filter((id) => !valid.has(id) && timeOf(id) < clock.now() - hourLength)
      if (old.length === 0) continue
      const where = `WHERE build IN (${old.join()})`
      await command(
        options.hasErasures()
          ? `ALTER TABLE ${rollup.name} DELETE ${where} SETTINGS mutations_sync = 2`
          : `DELETE FROM ${rollup.name} ${where}`,
      )
    }
  }

  return {
    list,
    units: validUnits,
    async change(source, times, work) {
      if (!list.some((rollup) => rollup.source === source)) return await work()
      const slots = slotsOf(times)
      for (const slot of slots) changing.set(slot, (changing.get(slot) ?? 0) + 1)
      try {
        const spans = invalidate(source, slots)
        if (spans.length > 0) await log.addChanges(source, spans)
        return await work()
      } finally {
        for (const slot of slots) {
          const count = (changing.get(slot) ?? 1) - 1
          if (count === 0) changing.delete(slot)
          else changing.set(slot, count)
        }
        const spans = invalidate(source, slots)
        if (spans.length > 0) await log.addChanges(source, spans)
      }
    },
    async forget({ source: only, to }) {
      for (const source of new Set(sources.values())) {
        if (only !== undefined && only !== source) continue
        for (const [rollup, units] of state) {
          if (rollup.source !== source) continue
          for (const start of units.built.keys()) if (start < to) units.built.delete(start)
          if ((units.building ?? Infinity) < to) units.building = undefined
          // Everything is checked again.
          units.seenTo = 0
        }
        await log.addChanges(source, [{ from: 0, to }])
      }
    },
    async untilBuilt() {
      await building
    },
    async refresh(signal) {
      if (isShared) await load()
      let count = 0
      const counts = openCounts()
      for (const rollup of list.toSorted((one, other) => one.seconds - other.seconds)) {
        for (const start of await findDue(rollup, counts)) {
          if (signal?.aborted === true) return count
          if (isChanging(rollup, start)) continue
          const current = build(rollup, start)
          building = current.catch(ignore)
          await current
          count += 1
        }
      }
      await removeOldBuilds()
      return count
    },
  }
}

const ignore = (): void => undefined

const dayLength = 86_400_000
const hourLength = 3_600_000

/** Changes are recorded by slot; every unit consists of whole slots. */
const slotLength = 300_000

const lengthOf = ({ unitSeconds }: Rollup): number => unitSeconds * 1000

const floor = (time: number, length: number): number => Math.floor(time / length) * length

function slotsOf(times: Iterable<number>): ReadonlySet<number> {
  const slots = new Set<number>()
  let last = Number.NaN
  for (const time of times) {
    const slot = floor(time, slotLength)
    if (slot !== last) slots.add(slot)
    last = slot
  }
  return slots
}

function unitsBetween({ built }: Units, length: number, from: number, to: number): RollupUnit[] {
  const found: RollupUnit[] = []
  const first = Math.ceil(from / length) * length
  // Unbounded ranges are longer than the list of units.
  if ((to - first) / length > built.size)
    return [...built.values()]
      .filter((unit) => unit.from >= first && unit.to <= to)
      .toSorted((one, other) => one.from - other.from)
  for (let start = first; start + length <= to; start += length) {
    const unit = built.get(start)
    if (unit !== undefined) found.push(unit)
  }
  return found
}

/** Ids below 2^53 that grow, and differ from those of other processes. */
function openBuildIds(clock: Clock): () => number {
  let last = 0
  return () => (last = Math.max(last + 1, Math.floor(clock.now()) * 4096 + randomInt(4096)))
}

const timeOf = (build: number): number => Math.floor(build / 4096)
