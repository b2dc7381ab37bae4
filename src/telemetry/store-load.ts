import { runSliced } from '../lib/cooperative-task.ts'
import type { Log } from '../lib/log.ts'
import { Problem } from '../lib/problem.ts'
import type { ColumnBlock } from '../schema/column-block.ts'
import type { Intake, Load } from './open-intake.ts'
import { firstEventOf, type EventKey, type WithoutErased } from './receive-batch.ts'
import { buildBlock } from './segment/build-block.ts'
import type { SegmentFrames } from './segment/read-segment.ts'

export type StoreLoadOptions = {
  readonly intake: Pick<Intake, 'finish' | 'refuse' | 'split' | 'sender'>
  /** Stores a block; repeating an id changes nothing. Rejects with a Problem of status 400 if the rows can never be stored. */
  readonly insert: (id: string, block: ColumnBlock) => Promise<void>
  /** Whether the warehouse has an event. */
  readonly isStored: (event: EventKey) => Promise<boolean>
  readonly withoutErased?: WithoutErased
  readonly log: Log
}

/**
 * Stores a load, or sets aside its batch when that cannot be decoded or is refused by the warehouse. A load of several
 * batches is split in two then, until the batch at fault is alone. Rejects while the warehouse does not accept the load.
 */
export async function storeLoad(
  load: Load,
  { intake, insert, isStored, withoutErased, log }: StoreLoadOptions,
): Promise<void> {
  try {
    await insert(load.id, await runSliced(buildBlock(load.segments)))
  } catch (error) {
    if (!(error instanceof Problem && error.status === 400)) throw error
    // A partly stored load was not rejected: the insert is repeated until it is complete.
    if (await isPartlyStored(load, isStored, withoutErased)) throw error
    if (load.batches.length > 1) return intake.split(load)
    const [batch = ''] = load.batches
    const node = intake.sender(batch) || (keyOf(load.segments[0])?.node ?? '')
    intake.refuse(load)
    const { message: reason, cause } = error
    log.error('loading: batch cannot be stored, moved to intake/refused', {
      batch,
      node,
      reason,
      error: cause,
    })
    return
  }
  intake.finish(load)
}

async function isPartlyStored(
  { segments }: Load,
  isStored: StoreLoadOptions['isStored'],
  withoutErased: WithoutErased | undefined,
): Promise<boolean> {
  for (const segment of new Set([segments[0], segments.at(-1)])) {
    const key = keyOf(segment, withoutErased)
    if (key !== undefined && (await isStored(key))) return true
  }
  return false
}

/** The key of the first event; undefined when it cannot be decoded. */
function keyOf(
  segment: SegmentFrames | undefined,
  withoutErased?: WithoutErased,
): EventKey | undefined {
  try {
    return segment && firstEventOf(segment, withoutErased)
  } catch {
    return undefined
  }
}
