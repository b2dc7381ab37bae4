import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { expect, onTestFinished, test } from 'vitest'
import { openRunClock } from './run-clock.ts'

const hasStatistics = existsSync('/proc/self/schedstat')

function openTestClock() {
  const clock = openRunClock()
  onTestFinished(() => clock.close())
  return clock
}

function burnCpu(milliseconds: number): void {
  const until = performance.now() + milliseconds
  while (performance.now() < until);
}

test.skipIf(!hasStatistics)('stands still while other processes have the CPU', async () => {
  const clock = openTestClock()
  const busy = Array.from({ length: 4 * availableParallelism() }, () =>
    spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' }),
  )
  onTestFinished(() => busy.forEach((child) => child.kill('SIGKILL')))
  const before = { wall: performance.now(), now: clock.now(), delayed: clock.delayed() }
  // The neighbours start while this runs, however slowly.
  await expect
    .poll(
      () => {
        burnCpu(20)
        return clock.delayed() - before.delayed
      },
      { timeout: 60_000, interval: 1 },
    )
    .toBeGreaterThan(200)
  const wall = performance.now() - before.wall
  const passed = clock.now() - before.now
  expect(wall - passed).toBeGreaterThan(150)
})

test('counts the time in which this process runs or sleeps', async () => {
  const clock = openTestClock()
  const before = { wall: performance.now(), now: clock.now(), delayed: clock.delayed() }
  burnCpu(50)
  await new Promise((resolve) => setTimeout(resolve, 50))
  const passed = clock.now() - before.now
  const wall = performance.now() - before.wall
  const delayed = clock.delayed() - before.delayed
  expect(passed + delayed).toBeGreaterThan(90)
  expect(passed).toBeLessThanOrEqual(wall)
})

test('continues after it is closed', () => {
  const clock = openRunClock()
  clock.close()
  const before = clock.now()
  burnCpu(20)
  expect(clock.now()).toBeGreaterThan(before)
})
