import { expect, test } from 'vitest'
import { runToCompletion, runSliced, type CooperativeTask } from './cooperative-task.ts'

function* countTo(count: number, milliseconds: number): CooperativeTask<number> {
  for (let done = 0; done < count; done += 1) {
    yield
    const until = performance.now() + milliseconds
    while (performance.now() < until);
  }
  return count
}

test('a sliced task returns the same result and lets timers run in between', async () => {
  expect(runToCompletion(countTo(100, 0))).toBe(100)
  let ticks = 0
  const timer = setInterval(() => (ticks += 1), 1)
  expect(await runSliced(countTo(100, 1))).toBe(100)
  clearInterval(timer)
  expect(ticks).toBeGreaterThan(5)
})

test('a sliced task that throws rejects', async () => {
  const failing = function* (): CooperativeTask<never> {
    yield
    throw new Error('no')
  }
  await expect(runSliced(failing())).rejects.toThrow('no')
})
