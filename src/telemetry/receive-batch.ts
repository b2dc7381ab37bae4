import { runToCompletion } from '../lib/cooperative-task.ts'
import type { ColumnBlock } from '../schema/column-block.ts'
import type { Intake } from './open-intake.ts'
import { buildBlock } from './segment/build-block.ts'
import { readSegment, type SegmentFrames } from './segment/read-segment.ts'

/** Key of a stored event. `time` is in microseconds since the epoch. */
export type EventKey = {
  readonly workspace: string
  readonly service: string
  readonly time: number
  readonly request_id: string
  readonly node: string
}

/** Resolves once the batch of a node is kept or stored. */
export type BatchReceiver = (
  batch: string,
  content: Buffer,
  isRepeated: boolean,
  node?: string,
) => Promise<void>

/** Leaves out the events that the warehouse erases. */
export type WithoutErased = (block: ColumnBlock) => ColumnBlock

export const keepsAll: WithoutErased = (block) => block

/** Keeps each batch once. A repeated one may be stored already; then the warehouse has its first event, for a batch is stored whole. */
export function openBatchReceiver(
  intake: Pick<Intake, 'holds' | 'receive'>,
  isStored: (event: EventKey) => Promise<boolean>,
  withoutErased: WithoutErased = keepsAll,
): BatchReceiver {
  /** A gateway may give up and send a batch again before it is kept. */
  const receiving = new Map<string, Promise<void>>()
  const receive: BatchReceiver = async (batch, content, isRepeated, node) => {
    if (intake.holds(batch)) return
    if (isRepeated) {
      const first = firstEventOf(readSegment(content), withoutErased)
      if (first !== undefined && (await isStored(first))) return
    }
    await intake.receive(batch, content, node)
  }
  return (batch, content, isRepeated, node) => {
    let received = receiving.get(batch)
    if (received === undefined) {
      received = receive(batch, content, isRepeated, node).finally(() => receiving.delete(batch))
      receiving.set(batch, received)
    }
    return received
  }
}

/** The first event of a segment that is not erased; undefined when it has none. */
export function firstEventOf(
  segment: SegmentFrames,
  withoutErased: WithoutErased = keepsAll,
): EventKey | undefined {
  const build = (frames: SegmentFrames['frames']): ColumnBlock =>
    withoutErased(runToCompletion(buildBlock([{ ...segment, frames }])))
  const first = build(segment.frames.slice(0, 1))
  return firstRow(first.rows > 0 ? first : build(segment.frames))
}

function firstRow({ texts, columns }: ColumnBlock): EventKey | undefined {
  const textOf = (name: string): string => {
    const column = columns.get(name)
    return column?.kind === 'text' ? (texts[column.indexes[0] as number] as string) : ''
  }
  const time = columns.get('time')
  const id = columns.get('request_id')
  if (time?.kind !== 'number' || id?.kind !== 'uuid' || id.bytes.length === 0) return undefined
  return {
    workspace: textOf('workspace'),
    service: textOf('service'),
    node: textOf('node'),
    time: time.values[0] as number,
    request_id: id.bytes
      .toString('hex', 0, 16)
      .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'),
  }
}
