import fc from 'fast-check'
import { expect, test } from 'vitest'
import { exchangeOf, peerOf } from '../../../test/harness/build-peer.ts'
import { WaitingLine } from './waiting-line.ts'

test('who comes first is served first; who left or waited too long is not', async () => {
  const step = fc.oneof(
    fc.record({ join: fc.nat({ max: 99 }) }),
    fc.record({ leave: fc.nat({ max: 99 }) }),
    fc.constant({ serve: true }),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
      const line = new WaitingLine()
      const peer = peerOf({ key: 'p' })
      const exchanges = new Map<number, ReturnType<typeof exchangeOf>>()
      const expected: number[] = []
      const served: number[] = []
      let model: number[] = []
      for (const one of steps) {
        if ('join' in one && !exchanges.has(one.join)) {
          const exchange = exchangeOf()
          exchanges.set(one.join, exchange)
          model.push(one.join)
          line.join(exchange, 60_000).then(
            () => served.push(one.join),
            () => undefined,
          )
        } else if ('leave' in one && model.includes(one.leave)) {
          exchanges.get(one.leave)?.clientLeft()
          model = model.filter((name) => name !== one.leave)
        } else if ('serve' in one) {
          expected.push(...model.splice(0, 1))
          line.serve(peer)
        }
        expect(line.length).toBe(model.length)
      }
      for (const name of model) exchanges.get(name)?.clientLeft()
      await Promise.resolve()
      expect(served).toEqual(expected)
    }),
  )
  const late = new WaitingLine()
  await expect(late.join(exchangeOf(), 1)).rejects.toMatchObject({ code: 'upstream.busy' })
  expect(late.length).toBe(0)
})
