import { expect, test } from 'vitest'
import { workspaces } from '../../test/harness/arbitrary-rights.ts'
import { buildTestRights } from '../../test/harness/build-test-rights.ts'
import { openRefreshScheduler } from './refresh-scheduler.ts'

const rights = buildTestRights(workspaces[0], [])

function open() {
  const clock = { time: 1_000_000, now: () => clock.time }
  const scheduler = openRefreshScheduler(clock)
  const dueAfter = (milliseconds: number): boolean => {
    clock.time += milliseconds
    return scheduler.start(rights)
  }
  return { clock, scheduler, dueAfter }
}

test('refreshes at once, after inserts, and otherwise every five seconds', () => {
  const { scheduler, dueAfter } = open()
  expect(dueAfter(0)).toBe(true)
  expect(dueAfter(4999)).toBe(false)
  expect(dueAfter(1)).toBe(true)
  scheduler.onInsert()
  expect(dueAfter(0)).toBe(true)
  expect(dueAfter(0)).toBe(false)
})

test('refreshes when the rights change', () => {
  const { scheduler, dueAfter } = open()
  expect(dueAfter(0)).toBe(true)
  expect(scheduler.start(buildTestRights(workspaces[0], []))).toBe(true)
  expect(scheduler.start(rights)).toBe(true)
  expect(scheduler.start(rights)).toBe(false)
})

test('refreshes every second while rows arrive and a query depends on the time', () => {
  const { scheduler, dueAfter } = open()
  scheduler.onInsert()
  expect(dueAfter(0)).toBe(true)
  scheduler.finish(true)
  expect(dueAfter(999)).toBe(false)
  expect(dueAfter(1)).toBe(true)
  expect(dueAfter(1000)).toBe(true)
  scheduler.finish(false)
  expect(dueAfter(1000)).toBe(false)
  scheduler.finish(true)
  // Five seconds after the last insert it is idle again.
  expect(dueAfter(1999)).toBe(true)
  expect(dueAfter(1000)).toBe(false)
})

test('a wait ends when it is woken', async () => {
  const { scheduler } = open()
  expect(scheduler.start(rights)).toBe(true)
  const waiting = scheduler.wait()
  scheduler.wake()
  await waiting
})
