import fc from 'fast-check'
import { expect, test } from 'vitest'
import { buildExchange, buildTarget } from '../../../test/harness/build-target.ts'
import { RequestQueue } from './request-queue.ts'

test('serves waiting exchanges in order of arrival, and skips those whose client left', async () => {
  const step = fc.oneof(
    fc.record({ join: fc.nat({ max: 99 }) }),
    fc.record({ leave: fc.nat({ max: 99 }) }),
    fc.constant({ serve: true }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const queue = new RequestQueue()
      const target = buildTarget({ key: 'p' })
      const exchanges = new Map<number, ReturnType<typeof buildExchange>>()
      const expected: number[] = []
      const served: number[] = []
      let model: number[] = []
      for (const one of steps) {
        if ('join' in one && !exchanges.has(one.join)) {
          const exchange = buildExchange()
          exchanges.set(one.join, exchange)
          model.push(one.join)
          queue.wait(exchange, 60_000).then(
            () => served.push(one.join),
            () => undefined,
          )
        } else if ('leave' in one && model.includes(one.leave)) {
          exchanges.get(one.leave)?.clientLeft()
          model = model.filter((name) => name !== one.leave)
        } else if ('serve' in one) {
          expected.push(...model.splice(0, 1))
          queue.serve(target)
        }
        expect(queue.length).toBe(model.length)
      }
      for (const name of model) exchanges.get(name)?.clientLeft()
      await Promise.resolve()
      expect(served).toEqual(expected)
    }),
  )
})

test('refuses an exchange that waits too long, and removes it', async () => {
  const queue = new RequestQueue()
  await expect(queue.wait(buildExchange(), 1)).rejects.toMatchObject({ code: 'upstream.busy' })
  expect(queue.length).toBe(0)
})

test('leaves no timer behind', async () => {
  const timers = (): number =>
    process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length
  const before = timers()
  const queue = new RequestQueue()
  const served = queue.wait(buildExchange(), 600_000)
  expect(timers()).toBe(before + 1)
  queue.serve(buildTarget({ key: 'p' }))
  await served
  expect(timers()).toBe(before)
})
