import { expect, test } from 'vitest'
import { atOnce, inSlices, type Sliceable } from './in-slices.ts'

function* countTo(count: number, milliseconds: number): Sliceable<number> {
  for (let done = 0; done < count; done += 1) {
    yield
    const until = performance.now() + milliseconds
    while (performance.now() < until);
  }
  return count
}

test('sliced work gives what it gives at once, and others have their turn meanwhile', async () => {
  expect(atOnce(countTo(100, 0))).toBe(100)
  let turns = 0
  const others = setInterval(() => (turns += 1), 1)
  expect(await inSlices(countTo(100, 1))).toBe(100)
  clearInterval(others)
  expect(turns).toBeGreaterThan(5)
})

test('what sliced work throws is rejected', async () => {
  const failing = function* (): Sliceable<never> {
    yield
    throw new Error('no')
  }
  await expect(inSlices(failing())).rejects.toThrow('no')
})
