import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { workspaces } from '../../test/harness/arbitrary-rights.ts'
import { buildTestRights } from '../../test/harness/build-test-rights.ts'
import { openRefreshScheduler } from './refresh-scheduler.ts'

const rights = buildTestRights(workspaces[0], [])

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] }))
afterEach(() => void vi.useRealTimers())

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

/** Duration of a wait, measured with fake timers. */
async function waitOf(scheduler: ReturnType<typeof openRefreshScheduler>, before?: () => void) {
  let isOver = false
  const waiting = scheduler.wait().then(() => (isOver = true))
  before?.()
  for (let milliseconds = 0; milliseconds <= 2_000; milliseconds += 1) {
    await vi.advanceTimersByTimeAsync(milliseconds === 0 ? 0 : 1)
    if (isOver) return milliseconds
  }
  return await waiting
}

test('a wait ends after a second, and 250 milliseconds after the last refresh when rows arrive', async () => {
  const { clock, scheduler } = open()
  expect(await waitOf(scheduler), 'at once before the first refresh').toBe(0)
  scheduler.start(rights)
  expect(await waitOf(scheduler)).toBe(1_000)
  clock.time += 100
  expect(await waitOf(scheduler, scheduler.onInsert)).toBe(150)
  expect(await waitOf(scheduler), 'the rows are still new').toBe(150)
  clock.time += 500
  expect(await waitOf(scheduler)).toBe(0)
  scheduler.start(rights)
  clock.time += 100
  scheduler.onInsert()
  expect(await waitOf(scheduler)).toBe(150)
})

test('a wait ends when it is woken', async () => {
  const { scheduler } = open()
  scheduler.start(rights)
  expect(await waitOf(scheduler, scheduler.wake)).toBe(0)
})
