import {
  closeSync,
  existsSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { uuidv7 } from '../lib/ids.ts'
import { isRunning, processIdentity } from '../lib/process-identity.ts'

/** Keeps events on disk until the warehouse has them. A segment is a file of complete lines; a closed segment never changes and is one batch, whose id is its name. */
export type Spool = {
  /** Writes lines to the open segment synchronously, so that they survive the process. Throws if it cannot, and leaves no partial line. */
  append(lines: string): void
  /** Closes the open segment unless it is empty. */
  rotate(): void
  /** Batch ids of the closed segments, oldest first. */
  closed(): readonly string[]
  read(batch: string): Promise<Buffer>
  /** Deletes a segment that the warehouse has. */
  remove(batch: string): void
  /** Sets aside a segment that the warehouse rejects for good. */
  quarantine(batch: string): void
  /** Takes over the segments of processes that died. */
  adopt(): void
  /** Bytes of all segments. */
  readonly bytes: number
}

const segmentBytes = 4 * 1024 * 1024

/** Opens the spool of this process, in a folder of its own under `root`. */
export function openSpool(root: string): Spool {
  const directory = join(root, processIdentity())
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const closed = new Map<string, number>()
  let open: { batch: string; file: number; bytes: number } | undefined

  const pathOf = (batch: string, ending: 'open' | 'ndjson' | 'refused' = 'ndjson'): string =>
    join(directory, `${batch}.${ending}`)
  const rotate = (): void => {
    if (open === undefined) return
    // Renamed first: when that fails, the open segment still takes events.
    renameSync(pathOf(open.batch, 'open'), pathOf(open.batch))
    closeSync(open.file)
    closed.set(open.batch, open.bytes)
    open = undefined
  }
  const keep = (batch: string, bytes: number): void => void closed.set(batch, bytes)
  const openSegment = () => {
    const batch = uuidv7(Date.now())
    return { batch, file: openSync(pathOf(batch, 'open'), 'ax', 0o600), bytes: 0 }
  }

  return {
    append(lines) {
      open ??= openSegment()
      open.bytes += writeWhole(open.file, Buffer.from(lines), open.bytes)
      if (open.bytes >= segmentBytes) rotate()
    },
    rotate,
    closed: () => [...closed.keys()],
    read: (batch) => readFile(pathOf(batch)),
    remove(batch) {
      rmSync(pathOf(batch))
      closed.delete(batch)
    },
    quarantine(batch) {
      renameSync(pathOf(batch), pathOf(batch, 'refused'))
      closed.delete(batch)
    },
    adopt() {
      const claimed = join(directory, 'adopted')
      // A take-over that failed half-way is finished first.
      if (existsSync(claimed)) moveSegments(claimed, directory, keep)
      for (const name of readdirSync(root)) {
        if (!isRunning(name) && claim(join(root, name), claimed))
          moveSegments(claimed, directory, keep)
      }
    },
    get bytes() {
      return (open?.bytes ?? 0) + [...closed.values()].reduce((sum, bytes) => sum + bytes, 0)
    },
  }
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

/** Claims the folder of a dead process; false when another process was faster. */
function claim(dead: string, claimed: string): boolean {
  try {
    renameSync(dead, claimed)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

/** Moves the segments under `claimed` into `own`, also those of a take-over that its process did not live to finish. */
function moveSegments(
  claimed: string,
  own: string,
  onMoved: (batch: string, bytes: number) => void,
): void {
  for (const { name, parentPath } of filesUnder(claimed)) {
    const [batch = '', ending] = name.split('.')
    const path = join(parentPath, name)
    if (ending === 'open') cutTornLine(path)
    const { size } = statSync(path)
    if (size === 0) continue
    renameSync(path, join(own, `${batch}.${ending === 'refused' ? 'refused' : 'ndjson'}`))
    if (ending !== 'refused') onMoved(batch, size)
  }
  rmSync(claimed, { recursive: true })
}

const filesUnder = (directory: string) =>
  readdirSync(directory, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile())

/** A process killed during a write may leave a partial line; its answer was not sent. */
function cutTornLine(path: string): void {
  truncateSync(path, readFileSync(path).lastIndexOf(10) + 1)
}
