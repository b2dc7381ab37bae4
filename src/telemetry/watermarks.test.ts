import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { silentLog } from '../lib/log.ts'
import { openWatermarks } from './open-watermarks.ts'

const freshFile = (): string => join(mkdtempSync(join(tmpdir(), 'weir-nodes-')), 'nodes.json')

/** An intake whose batches are stored in any order. */
function openTestIntake() {
  const waiting = new Set<number>()
  let position = 0
  return {
    receive: (): number => {
      position += 1
      waiting.add(position)
      return position
    },
    store: (one: number): boolean => waiting.delete(one),
    get position() {
      return position
    },
    storedPosition: () => (waiting.size === 0 ? position : Math.min(...waiting) - 1),
  }
}

function openTest(start = 1_000_000) {
  let now = start
  const intake = openTestIntake()
  const file = freshFile()
  const open = () => openWatermarks({ intake, file, clock: { now: () => now }, log: silentLog })
  return { intake, open, watermarks: open(), pass: (milliseconds: number) => (now += milliseconds) }
}

test('no event from before a watermark is outside of the warehouse, whatever is stored when', () => {
  const step = fc.oneof(
    fc.record({ record: fc.integer({ min: 0, max: 1 }) }),
    fc.record({ ship: fc.integer({ min: 0, max: 1 }) }),
    fc.record({ beat: fc.integer({ min: 0, max: 1 }) }),
    fc.record({ store: fc.nat(20) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const { intake, watermarks } = openTest()
      const workers = [0, 1].map(() => ({ recorded: [] as number[], sentUntil: 0 }))
      const batches = new Map<number, readonly number[]>()
      const outside = new Set<number>()
      let time = 0
      for (const one of steps) {
        time += 1
        if ('record' in one) {
          workers[one.record]?.recorded.push(time)
          outside.add(time)
        } else if ('ship' in one) {
          const worker = workers[one.ship] as (typeof workers)[0]
          batches.set(intake.receive(), worker.recorded)
          worker.recorded = []
          worker.sentUntil = time
          watermarks.receive('n', one.ship, time)
        } else if ('beat' in one) {
          const worker = workers[one.beat] as (typeof workers)[0]
          if (worker.recorded.length === 0) worker.sentUntil = time
          watermarks.receive('n', one.beat, worker.sentUntil)
        } else if (intake.store(one.store)) {
          for (const event of batches.get(one.store) ?? []) outside.delete(event)
        }
        const [found] = watermarks.nodes()
        if (found?.until === undefined) continue
        const until = found.until
        // A worker that was never heard of is not known.
        if (workers.every(({ sentUntil }) => sentUntil > 0))
          expect([...outside].filter((event) => event < until)).toEqual([])
      }
    }),
    { numRuns: 300 },
  )
})

test('an idle node moves on by its heartbeats, and one that is silent is missing and keeps its time', () => {
  const { watermarks, pass } = openTest()
  watermarks.receive('idle', 0, 500)
  watermarks.receive('gone', 0, 400)
  pass(20_000)
  watermarks.receive('idle', 0, 20_500)
  pass(20_000)
  expect(watermarks.nodes()).toEqual([
    { node: 'gone', until: 400, lastHeard: 1_000_000, isMissing: true },
    { node: 'idle', until: 20_500, lastHeard: 1_020_000, isMissing: false },
  ])
  pass(24 * 3_600_000)
  expect(watermarks.nodes()).toEqual([])
})

test('a worker that is no longer heard of does not hold its node back', () => {
  const { watermarks, pass } = openTest()
  watermarks.receive('n', 0, 100)
  watermarks.receive('n', 1, 100)
  pass(31_000)
  watermarks.receive('n', 0, 31_000)
  expect(watermarks.nodes()).toMatchObject([{ until: 31_000, isMissing: false }])
})

test('a node that an earlier process knew is named when it does not come back', () => {
  const { watermarks, open, pass } = openTest()
  watermarks.receive('stays', 0, 1)
  watermarks.receive('lost', 0, 2)
  watermarks.stop()
  const next = open()
  next.receive('stays', 0, 9)
  pass(31_000)
  next.receive('stays', 0, 10)
  expect(next.nodes()).toMatchObject([
    { node: 'lost', until: 2, isMissing: true },
    { node: 'stays', until: 10, isMissing: false },
  ])
})

test('a node from before watermarks has none', () => {
  const { watermarks } = openTest()
  watermarks.receive('old', 0, undefined)
  expect(watermarks.nodes()).toMatchObject([{ node: 'old', until: undefined, isMissing: false }])
})
