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

type Step =
  | { readonly kind: 'record' | 'ship' | 'beat'; readonly worker: 0 | 1 }
  | { readonly kind: 'store'; readonly position: number }

const worker = fc.constantFrom<0 | 1>(0, 1)
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom('record', 'ship', 'beat'), worker }),
  fc.record({ kind: fc.constant('store'), position: fc.nat(20) }),
)

/** Two workers of a node record, ship and send heartbeats, each step at a later time; returns events before a watermark that were not stored. */
function play(steps: readonly Step[]): readonly number[] {
  const { intake, watermarks } = openTest()
  const workers = [0, 1].map(() => ({ recorded: [] as number[], sentUntil: 0 })) as [Sender, Sender]
  const batches = new Map<number, readonly number[]>()
  const outside = new Set<number>()
  const early: number[] = []
  const take = (one: Step, time: number): void => {
    if (one.kind === 'store') {
      const isNew = intake.store(one.position)
      for (const event of isNew ? (batches.get(one.position) ?? []) : []) outside.delete(event)
      return
    }
    const sender = workers[one.worker]
    if (one.kind === 'record') {
      sender.recorded.push(time)
      outside.add(time)
      return
    }
    if (one.kind === 'ship') batches.set(intake.receive(), sender.recorded)
    if (one.kind === 'ship') sender.recorded = []
    if (sender.recorded.length === 0) sender.sentUntil = time
    watermarks.receive('n', one.worker, sender.sentUntil)
  }
  for (const [index, one] of steps.entries()) {
    take(one, index + 1)
    const [found] = watermarks.nodes()
    // A worker without any heartbeat is not known.
    const isKnown = workers.every(({ sentUntil }) => sentUntil > 0)
    const until = isKnown ? (found?.until ?? 0) : 0
    early.push(...[...outside].filter((event) => event < until))
  }
  return early
}

type Sender = { recorded: number[]; sentUntil: number }

test('every event from before a watermark is in the warehouse, in any order of loads', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      expect(play(steps)).toEqual([])
    }),
    { numRuns: 300 },
  )
})

test('heartbeats advance the watermark of an idle node; a silent node is missing and keeps its watermark', () => {
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

test('a worker without heartbeats does not hold back the watermark of its node', () => {
  const { watermarks, pass } = openTest()
  watermarks.receive('n', 0, 100)
  watermarks.receive('n', 1, 100)
  pass(31_000)
  watermarks.receive('n', 0, 31_000)
  expect(watermarks.nodes()).toMatchObject([{ until: 31_000, isMissing: false }])
})

test('a node that connected to an earlier process is reported when it does not return', () => {
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

test('a node of a version without watermarks has none', () => {
  const { watermarks } = openTest()
  watermarks.receive('old', 0, undefined)
  expect(watermarks.nodes()).toMatchObject([{ node: 'old', until: undefined, isMissing: false }])
})
