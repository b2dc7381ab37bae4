import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import { yieldToEventLoop } from './cooperative-task.ts'
import { openSerialQueue } from './serial-queue.ts'

test('does not keep the result of the last task', async () => {
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void
  const queue = openSerialQueue()
  const result = new WeakRef(await queue.run(async () => ({ large: true })))
  await expect
    .poll(async () => {
      await yieldToEventLoop()
      collectGarbage()
      return result.deref()
    })
    .toBeUndefined()
  expect(await queue.run(async () => 'next')).toBe('next')
})
