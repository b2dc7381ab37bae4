import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, renameSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openUnrecordedCounts, type CountReport } from './open-counts.ts'

const fresh = (): string => mkdtempSync(join(tmpdir(), 'weir-counts-'))

/** Keeps the highest value of each count, like the warehouse. */
function openTestCounts() {
  const kept = new Map<string, { key: string; events: number }>()
  return {
    take({ source, counts }: CountReport): void {
      for (const { workspace, kind, sequence, events } of counts) {
        const at = `${source} ${sequence}`
        if ((kept.get(at)?.events ?? 0) < events)
          kept.set(at, { key: `${kind} ${workspace}`, events })
      }
    },
    sums(): Record<string, number> {
      const sums: Record<string, number> = {}
      for (const { key, events } of kept.values()) sums[key] = (sums[key] ?? 0) + events
      return sums
    },
  }
}

test('every event is counted once, however often counts are sent, lost, or taken over from a dead process', () => {
  const step = fc.oneof(
    fc.record({
      add: fc.constantFrom('w-1', 'w-2', ''),
      kind: fc.constantFrom('shed' as const, 'refused' as const),
      events: fc.integer({ min: 1, max: 1e9 }),
    }),
    fc.record({ send: fc.constantFrom('acknowledged', 'unacknowledged', 'lost') }),
    fc.record({ pass: fc.integer({ min: -180, max: 180 }) }),
    fc.constant('die' as const),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const directory = fresh()
      let now = 1_763_700_000_000
      let counts = openUnrecordedCounts(directory, () => now)
      const warehouse = openTestCounts()
      const expected: Record<string, number> = {}
      const send = (how: string): void => {
        for (const report of counts.unsent()) {
          if (how !== 'lost') warehouse.take(report)
          if (how === 'acknowledged') counts.sent(report)
        }
      }
      for (const one of steps) {
        if (one === 'die') {
          for (const name of readdirSync(directory))
            renameSync(join(directory, name), join(directory, name.replace(/^[^.]+/, '4194305-1')))
          counts = openUnrecordedCounts(directory, () => now)
          counts.adopt()
        } else if ('add' in one) {
          counts.add(one.add, one.kind, one.events)
          const key = `${one.kind} ${one.add}`
          expected[key] = (expected[key] ?? 0) + one.events
        } else if ('send' in one) send(one.send)
        else now += one.pass * 1_000
      }
      send('acknowledged')
      expect(warehouse.sums()).toEqual(expected)
      expect(counts.unsent()).toEqual([])
    }),
    { numRuns: 60 },
  )
})

test('with more workspaces and minutes than slots, the sum of all counts is still exact', () => {
  let now = 0
  const counts = openUnrecordedCounts(fresh(), () => now)
  const warehouse = openTestCounts()
  for (let index = 0; index < 6_000; index += 1) {
    if (index % 100 === 0) now += 60_000
    counts.add(index < 3_000 ? 'steady' : `w-${index}`, index % 2 === 0 ? 'shed' : 'refused', 1)
  }
  for (const report of counts.unsent()) warehouse.take(report)
  const sums = Object.values(warehouse.sums())
  expect(sums.reduce((sum, events) => sum + events, 0)).toBe(6_000)
})

test('a process that is killed while it counts leaves every count that it has reported', async () => {
  const directory = fresh()
  const child = fork(join(import.meta.dirname, '../../../test/flows/count-events-child.ts'), [
    directory,
  ])
  let reported = 0
  child.on('message', (count) => (reported = Number(count)))
  await expect.poll(() => reported, { timeout: 30_000 }).toBeGreaterThan(500)
  child.kill('SIGKILL')
  await once(child, 'exit')
  const counts = openUnrecordedCounts(directory)
  counts.adopt()
  const warehouse = openTestCounts()
  for (const report of counts.unsent()) warehouse.take(report)
  const kept = warehouse.sums()['shed w'] ?? 0
  expect(kept).toBeGreaterThanOrEqual(reported)
  expect(kept).toBeLessThanOrEqual(reported + 20_000)
})
