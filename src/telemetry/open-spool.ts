import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { uuidv7 } from '../lib/ids.ts'
import { processIdentity } from '../lib/process-identity.ts'
import type { EventRecord } from '../schema/event.ts'
import { adoptSpools, type ClosedSegment, type LostEvents } from './adopt-spools.ts'
import { unlimited } from './open-spool-limit.ts'
import { openSyncedFiles } from './open-synced-files.ts'
import { SegmentWriter, segmentHead } from './segment/segment-writer.ts'

/** Keeps events on disk until the control plane has them. A closed segment never changes and is one batch, whose id is its name. */
export type Spool = {
  /** Writes events to the open segment synchronously, so that they survive the process. Throws if it cannot; then none of them is written. */
  append(this: void, events: readonly EventRecord[]): void
  /** Resolves when everything that was appended survives a loss of power. */
  sync(this: void): Promise<void>
  /** Closes the open segment, if there is one. */
  rotate(): void
  /** Closed segments, oldest first. */
  closed(): readonly ClosedSegment[]
  read(batch: string): Promise<Buffer>
  /** Deletes a segment that the control plane has. */
  remove(batch: string): void
  /** Sets aside a segment that the control plane rejects for good. */
  quarantine(batch: string): void
  /** Takes over the segments of processes that died; returns what damaged segments lost. */
  adopt(): readonly LostEvents[]
  /** Bytes of all segments. */
  readonly bytes: number
  /** Whether the segments have reached the limit, or the disk is full. */
  readonly isFull: boolean
}

const segmentBytes = 4 * 1024 * 1024

/** Opens the spool of this process, in a separate folder under `root`. `sync` may be called only when `isSynced`. */
export function openSpool(root: string, isSynced = false, limit = unlimited): Spool {
  const directory = join(root, processIdentity())
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const closed = new Map<string, ClosedSegment>()
  let open: OpenSegment | undefined
  let closedBytes = 0
  const keepClosed = (segment: ClosedSegment): void => {
    closed.set(segment.batch, segment)
    closedBytes += segment.bytes
  }
  const forget = (batch: string): void => {
    closedBytes -= closed.get(batch)?.bytes ?? 0
    closed.delete(batch)
  }
  const files = openSyncedFiles(directory)

  const pathOf = (batch: string): string => {
    const form = closed.get(batch)?.form ?? 'segment'
    return join(directory, `${batch}.${form === 'segment' ? 'segment' : 'ndjson'}`)
  }
  const openSegment = (): OpenSegment => {
    const batch = uuidv7(Date.now())
    const path = join(directory, `${batch}.open`)
    const file = openSync(path, 'ax', 0o600)
    try {
      const bytes = writeWhole(file, segmentHead, 0)
      return { batch, path, file, bytes, writer: new SegmentWriter(), isBroken: false }
    } catch (error) {
      closeSync(file)
      rmSync(path)
      throw error
    }
  }
  const rotate = (): void => {
    if (open === undefined) return
    const { batch, path, file, bytes } = open
    // Renamed first: when that fails, the open segment still takes events.
    renameSync(path, join(directory, `${batch}.segment`))
    keepClosed({ batch, form: 'segment', bytes, isAdopted: false })
    open = undefined
    files.close(file)
  }
  const leave = ({ path, file, bytes }: OpenSegment): void => {
    if (bytes > segmentHead.length) return rotate()
    rmSync(path)
    open = undefined
    files.close(file)
  }

  return {
    append(events) {
      if (open?.isBroken === true) leave(open)
      if (open === undefined) {
        try {
          open = openSegment()
        } catch (error) {
          limit.failed(error)
          throw error
        }
      }
      const segment = open
      try {
        for (const event of events) segment.writer.add(event)
        const frame = segment.writer.takeFrame()
        if (frame !== undefined) segment.bytes += writeWhole(segment.file, frame, segment.bytes)
        if (isSynced) files.markWritten(segment.file)
      } catch (error) {
        segment.isBroken = true
        limit.failed(error)
        leave(segment)
        throw error
      }
      if (segment.bytes >= segmentBytes) rotate()
    },
    sync: files.sync,
    rotate,
    closed: () => [...closed.values()],
    async read(batch) {
      const content = await readFile(pathOf(batch))
      // A failed write leaves a partial frame where the file could not be truncated.
      return content.subarray(0, closed.get(batch)?.bytes)
    },
    remove(batch) {
      rmSync(pathOf(batch))
      forget(batch)
    },
    quarantine(batch) {
      renameSync(pathOf(batch), join(directory, `${batch}.refused`))
      forget(batch)
    },
    adopt() {
      const { segments, lost } = adoptSpools(root, directory)
      for (const segment of segments) keepClosed(segment)
      return lost
    },
    get bytes() {
      return closedBytes + (open?.bytes ?? 0)
    },
    get isFull() {
      return limit.isDiskFull || closedBytes + (open?.bytes ?? 0) >= limit.maxBytes
    },
  }
}

type OpenSegment = {
  readonly batch: string
  readonly path: string
  readonly file: number
  readonly writer: SegmentWriter
  bytes: number
  /** A frame was not written. Later frames would refer to its definitions, so none can follow. */
  isBroken: boolean
}

/** Writes all bytes or, on a full disk, none. */
function writeWhole(file: number, bytes: Buffer, at: number): number {
  try {
    let written = 0
    while (written < bytes.length) written += writeSync(file, bytes, written)
    return written
  } catch (error) {
    ftruncateSync(file, at)
    throw error
  }
}
