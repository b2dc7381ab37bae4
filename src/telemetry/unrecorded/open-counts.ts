import {
  closeSync,
  fdatasync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { uuidv4 } from '../../lib/ids.ts'
import { isRunning, processIdentity } from '../../lib/process-identity.ts'
import {
  readSlots,
  slotBytes,
  slotCount,
  writeSlot,
  type UnrecordedCount,
  type UnrecordedKind,
} from './count-slots.ts'

/** Counts of one process. A count that is sent again is the same or higher. */
export type CountReport = {
  /** UUID of the file. */
  readonly source: string
  readonly counts: readonly UnrecordedCount[]
}

/** Counts events that are not recorded, on disk space that was allocated in advance. */
export type UnrecordedCounts = {
  /** Counts synchronously, so that the count survives the process. Throws if it cannot. */
  add(workspace: string, kind: UnrecordedKind, events: number): void
  /** Resolves when every count survives a loss of power. */
  sync(): Promise<void>
  /** Counts that the control plane has not acknowledged, by process. */
  unsent(): readonly CountReport[]
  /** Call once the control plane has these counts. */
  sent(report: CountReport): void
  /** Takes over the counts of processes that died. */
  adopt(): void
  /** Since this process began. */
  totals(): readonly Omit<UnrecordedCount, 'minute' | 'sequence'>[]
  close(): void
}

type Slot = { readonly at: number; count: UnrecordedCount; sent: number }

/** Opens the counts of this process, in a separate file in `directory`; throws when there is no space for it. */
export function openUnrecordedCounts(
  directory: string,
  now: () => number = Date.now,
): UnrecordedCounts {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const source = uuidv4()
  const nameOf = (one: string): string => `${processIdentity()}.${one}.counts`
  const path = join(directory, nameOf(source))
  const file = openSync(path, 'wx', 0o600)
  try {
    // Every block is written, so that all are allocated before the disk is full.
    writeAll(file, Buffer.alloc(slotBytes * slotCount), 0)
  } catch (error) {
    closeSync(file)
    rmSync(path)
    throw error
  }
  const bytes = Buffer.alloc(slotBytes)
  const slots: (Slot | undefined)[] = []
  const latest = new Map<string, Slot>()
  const totals = new Map<string, Omit<UnrecordedCount, 'minute' | 'sequence'>>()
  const adopted = new Map<string, CountReport>()
  let sequence = 0
  let isUnsynced = true

  const store = (at: number, count: UnrecordedCount): void => {
    writeSlot(bytes, count)
    writeAll(file, bytes, at * slotBytes)
    isUnsynced = true
  }
  /** The slot of this minute, or the previous one when no other is free. */
  const find = (workspace: string, kind: UnrecordedKind): Slot => {
    const key = `${kind} ${workspace}`
    const minute = Math.floor(now() / 60_000)
    const known = latest.get(key)
    if (known?.count.minute === minute) return known
    const found = slots.findIndex((slot) => slot === undefined)
    const at = found === -1 ? slots.length : found
    if (at >= slotCount - kinds) {
      if (known !== undefined) return known
      if (workspace !== '') return find('', kind)
    }
    sequence += 1
    const slot: Slot = { at, count: { workspace, kind, minute, sequence, events: 0 }, sent: 0 }
    slots[at] = slot
    latest.set(key, slot)
    return slot
  }
  const free = (slot: Slot): void => {
    writeAll(file, Buffer.alloc(slotBytes), slot.at * slotBytes)
    slots[slot.at] = undefined
  }

  return {
    async sync() {
      if (!isUnsynced) return
      isUnsynced = false
      await syncData(file)
    },
    add(workspace, kind, events) {
      const slot = find(workspace, kind)
      const count = { ...slot.count, events: slot.count.events + events }
      store(slot.at, count)
      slot.count = count
      const key = `${kind} ${workspace}`
      totals.set(key, { workspace, kind, events: (totals.get(key)?.events ?? 0) + events })
    },
    unsent() {
      const counts = slots.flatMap((slot) =>
        slot !== undefined && slot.sent < slot.count.events ? [slot.count] : [],
      )
      return [...(counts.length === 0 ? [] : [{ source, counts }]), ...adopted.values()]
    },
    sent(report) {
      if (report.source !== source) {
        rmSync(join(directory, nameOf(report.source)))
        adopted.delete(report.source)
        return
      }
      const known = new Map(report.counts.map(({ sequence: one, events }) => [one, events]))
      for (const slot of slots) {
        if (slot === undefined) continue
        slot.sent = Math.max(slot.sent, known.get(slot.count.sequence) ?? 0)
        const { workspace, kind, events } = slot.count
        const isLatest = latest.get(`${kind} ${workspace}`) === slot
        if (slot.sent >= events && !isLatest) free(slot)
      }
    },
    adopt() {
      for (const name of readdirSync(directory)) {
        const [identity = '', one = '', ending] = name.split('.')
        if (ending !== 'counts' || one === source || adopted.has(one)) continue
        if (identity !== processIdentity() && !(!isRunning(identity) && claim(name, one))) continue
        const counts = readSlots(readFileSync(join(directory, nameOf(one))))
        if (counts.length > 0) adopted.set(one, { source: one, counts })
        else rmSync(join(directory, nameOf(one)))
      }
    },
    totals: () => [...totals.values()],
    close() {
      closeSync(file)
      // Another process takes over unsent counts.
      if (slots.every((slot) => slot === undefined || slot.sent >= slot.count.events)) rmSync(path)
    },
  }

  /** False when another process was faster. */
  function claim(name: string, one: string): boolean {
    try {
      renameSync(join(directory, name), join(directory, nameOf(one)))
      return true
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
      throw error
    }
  }
}

const syncData = promisify(fdatasync)

/** Slots that only events without a workspace may take. */
const kinds = 2

function writeAll(file: number, bytes: Buffer, at: number): void {
  let written = 0
  while (written < bytes.length)
    written += writeSync(file, bytes, written, bytes.length - written, at + written)
}
