import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { buildEvent } from '../../../test/harness/build-event.ts'
import { arbitraryEvent } from '../../../test/harness/arbitrary-event.ts'
import { toRecord } from '../../../test/harness/event-record.ts'
import { openTestWarehouse } from '../../../test/harness/open-test-warehouse.ts'
import { runToCompletion } from '../../lib/cooperative-task.ts'
import { toProblem } from '../../lib/problem.ts'
import { eventColumns, type EventRecord } from '../../schema/event.ts'
import { buildBlock } from './build-block.ts'
import { countEvents, isPlausible, readSegment } from './read-segment.ts'
import { SegmentWriter, segmentHead } from './segment-writer.ts'

/** A segment with one frame per list of events. */
function writeSegment(frames: readonly (readonly EventRecord[])[]): Buffer {
  const writer = new SegmentWriter()
  const parts: Buffer[] = [segmentHead]
  for (const events of frames) {
    for (const event of events) writer.add(event)
    const frame = writer.takeFrame()
    if (frame !== undefined) parts.push(Buffer.from(frame))
  }
  return Buffer.concat(parts)
}

const decode = (...segments: Buffer[]) =>
  runToCompletion(buildBlock(segments.map((bytes) => readSegment(bytes))))

test('the warehouse holds the same rows from segments as from JSON Lines', async () => {
  const warehouse = await openTestWarehouse()
  onTestFinished(() => warehouse.close())
  let round = 0
  const select = async (marker: string) =>
    warehouse.query({
      sql: `SELECT * EXCEPT (environment) FROM requests WHERE environment = {marker:String} ORDER BY request_id, time, duration_us`,
      params: { marker },
    })
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(fc.array(arbitraryEvent, { maxLength: 4 }), { maxLength: 4 }), {
        minLength: 1,
        maxLength: 3,
      }),
      async (segments) => {
        const [asLines, asBlock] = [`lines-${round}`, `block-${round++}`]
        const marked = segments.map((frames) =>
          frames.map((events) =>
            events.map((event) => toRecord({ ...event, environment: asBlock })),
          ),
        )
        const all = segments.flat(2)
        if (all.length === 0) return
        await warehouse.store(all.map((event) => ({ ...event, environment: asLines })))
        await warehouse.insertBlock('requests', asBlock, decode(...marked.map(writeSegment)))
        expect(await select(asBlock)).toEqual(await select(asLines))
      },
    ),
    { numRuns: 25 },
  )
})

test('values that events share are written once', () => {
  const first = toRecord(buildEvent({ path: '/orders', user_agent: 'x'.repeat(500) }))
  const { place, caller, node } = first
  const next = () => ({
    ...toRecord(buildEvent({ path: '/orders', user_agent: 'x'.repeat(500) })),
    place,
    caller,
    node,
  })
  const one = writeSegment([[first]]).length
  const many = writeSegment([[first], ...Array.from({ length: 1_000 }, () => [next()])]).length
  expect((many - one) / 1_000).toBeLessThan(80)
})

test('a segment is read up to its first damaged frame, and the lost events are counted', () => {
  const frames = [3, 2, 4].map((count) =>
    Array.from({ length: count }, (_, index) =>
      toRecord(buildEvent({ path: `/${count}/${index}` })),
    ),
  )
  const whole = writeSegment(frames)
  const ends = [1, 2, 3].map((count) => writeSegment(frames.slice(0, count)).length)
  expect(readSegment(whole)).toMatchObject({ validBytes: whole.length, lostEvents: 0 })
  for (let cut = segmentHead.length; cut < whole.length; cut += 7) {
    const complete = ends.filter((end) => end <= cut).length
    const read = readSegment(whole.subarray(0, cut))
    expect(countEvents([read])).toBe([0, 3, 5, 9][complete])
    expect(read.validBytes).toBe([segmentHead.length, ...ends][complete])
  }
  for (let at = 0; at < whole.length; at += 11) {
    const damaged = Buffer.from(whole)
    damaged[at] = (damaged[at] as number) ^ 0x10
    const read = readSegment(damaged)
    const intact = at < segmentHead.length ? 0 : ends.filter((end) => end <= at).length
    expect(countEvents([read])).toBe([0, 3, 5, 9][intact])
    expect(runToCompletion(buildBlock([read])).rows).toBe([0, 3, 5, 9][intact])
  }
  const zeroed = Buffer.from(whole).fill(0, ends[0], ends[1])
  expect(countEvents([readSegment(zeroed)])).toBe(3)
  const inside = Buffer.from(whole)
  inside.fill(0, (ends[0] as number) + 20, (ends[0] as number) + 30)
  expect(readSegment(inside)).toMatchObject({ validBytes: ends[0], lostEvents: 6 })
})

/** 200, or the status of the Problem that it throws. */
function statusOf(attempt: () => unknown): number {
  try {
    attempt()
    return 200
  } catch (error) {
    return toProblem(error).status
  }
}

test('a segment with false counts is rejected without allocating memory for them', () => {
  const event = toRecord(buildEvent())
  const { header, frames } = readSegment(writeSegment([[event]]))
  const [frame] = frames
  if (frame === undefined) throw new Error('no frame')
  const { bytes } = frame
  const segment = (events: number, content: Buffer) => ({
    header,
    frames: [{ events, bytes: content }],
    validBytes: 0,
    lostEvents: 0,
  })
  expect(isPlausible(segment(1, bytes))).toBe(true)
  expect(isPlausible(segment(4_000_000_000, bytes))).toBe(false)
  const refused = expect.objectContaining({ status: 400 }) as Error
  const build = (one: ReturnType<typeof segment>) => () => runToCompletion(buildBlock([one]))
  expect(build(segment(2, bytes))).toThrow(refused)
  expect(build(segment(1, Buffer.concat([bytes, bytes])))).toThrow(refused)
  for (let length = 0; length < bytes.length; length += 1)
    expect(build(segment(1, bytes.subarray(0, length)))).toThrow(refused)
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
      const attempt = statusOf(build(segment(1, Buffer.from(noise))))
      expect([200, 400]).toContain(attempt)
    }),
  )
})

test('columns that an older gateway does not send get their defaults', () => {
  const { header, ...rest } = readSegment(writeSegment([[toRecord(buildEvent({ path: '/a' }))]]))
  const block = runToCompletion(
    buildBlock([
      readSegment(writeSegment([[toRecord(buildEvent({ path: '/b', failed_tries: ['x'] }))]])),
      {
        ...rest,
        header: {
          ...header,
          own: header.own.map((column) =>
            column.name === 'failed_tries' ? { ...column, name: 'unknown' } : column,
          ),
        },
      },
    ]),
  )
  expect(block.rows).toBe(2)
  expect(block.columns.get('failed_tries')).toMatchObject({ ends: Uint32Array.from([1, 1]) })
  expect([...Object.keys(eventColumns), 'unknown'].toSorted()).toEqual(
    [...block.columns.keys()].toSorted(),
  )
})
