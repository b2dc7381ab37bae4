import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs'
import { join } from 'node:path'
import { isRunning } from '../lib/process-identity.ts'
import { magic } from './segment/segment-format.ts'
import { readSegment } from './segment/read-segment.ts'

/** A batch that is ready to be sent. */
export type ClosedSegment = {
  readonly batch: string
  /** `lines` are JSON Lines of a gateway before segments were binary. */
  readonly form: 'segment' | 'lines'
  readonly bytes: number
  /** Another process wrote it, and may have sent it. */
  readonly isAdopted: boolean
}

/** The part of a segment that is lost because a block is damaged. */
export type LostEvents = { readonly batch: string; readonly bytes: number; readonly events: number }

type Adopted = { readonly segments: readonly ClosedSegment[]; readonly lost: readonly LostEvents[] }

/** Moves the segments of dead processes under `root` into `own`, the folder of this one. */
export function adoptSpools(root: string, own: string): Adopted {
  const claimed = join(own, 'adopted')
  const adopted = { segments: [] as ClosedSegment[], lost: [] as LostEvents[] }
  // A take-over that failed half-way is finished first.
  if (existsSync(claimed)) moveSegments(claimed, own, adopted)
  for (const name of readdirSync(root)) {
    if (!isRunning(name) && claim(join(root, name), claimed)) moveSegments(claimed, own, adopted)
  }
  return adopted
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

/** Moves the segments under `claimed`, including those of an unfinished take-over. */
function moveSegments(
  claimed: string,
  own: string,
  { segments, lost }: { segments: ClosedSegment[]; lost: LostEvents[] },
): void {
  for (const { name, parentPath } of filesUnder(claimed)) {
    const [batch = '', ending = ''] = name.split('.')
    const path = join(parentPath, name)
    if (ending === 'refused') {
      renameSync(path, join(own, name))
      continue
    }
    const { form, bytes, lostBytes, lostEvents } = cutDamage(path, ending)
    if (lostEvents > 0) lost.push({ batch, bytes: lostBytes, events: lostEvents })
    if (bytes === 0) continue
    renameSync(path, join(own, `${batch}.${endings[form]}`))
    segments.push({ batch, form, bytes, isAdopted: true })
  }
  segments.sort((a, b) => (a.batch < b.batch ? -1 : 1))
  rmSync(claimed, { recursive: true })
}

const endings = { segment: 'segment', lines: 'ndjson' } as const

const filesUnder = (directory: string) =>
  readdirSync(directory, { withFileTypes: true, recursive: true }).filter((entry) => entry.isFile())

type Kept = {
  readonly form: ClosedSegment['form']
  readonly bytes: number
  readonly lostBytes: number
  readonly lostEvents: number
}

/** Truncates a partial write of a killed process or after a power loss; its answers were not sent. */
function cutDamage(path: string, ending: string): Kept {
  const { size } = statSync(path)
  if (ending === 'ndjson') return { form: 'lines', bytes: size, lostBytes: 0, lostEvents: 0 }
  const bytes = readFileSync(path)
  const isSegment = ending === 'segment' || bytes.subarray(0, magic.length).equals(magic)
  const { frames, validBytes, lostEvents } = readSegment(bytes)
  const end = !isSegment ? bytes.lastIndexOf('\n') + 1 : frames.length === 0 ? 0 : validBytes
  if (end < size) truncateSync(path, end)
  return { form: isSegment ? 'segment' : 'lines', bytes: end, lostBytes: size - end, lostEvents }
}
