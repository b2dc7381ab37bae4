import { systemClock } from '../../lib/clock.ts'
import { openLog } from '../../lib/log.ts'
import { expect, test } from 'vitest'
import { holdTime } from '../../../test/harness/held-time.ts'
import type { Found } from './look-up-name.ts'
import { keptFor, openResolver } from './resolver.ts'

/** A resolver whose answers the test gives one by one. */
function resolverOf() {
  const time = holdTime()
  const asked: PromiseWithResolvers<Found>[] = []
  const resolver = openResolver(() => {
    const answer = Promise.withResolvers<Found>()
    asked.push(answer)
    return answer.promise
  }, time.clock)
  const settle = async (act: (answer: PromiseWithResolvers<Found>) => void): Promise<void> => {
    const known = resolver.look('name.example')
    act(asked.at(-1) as PromiseWithResolvers<Found>)
    await known.asking
  }
  return { time, asked, resolver, settle, look: () => resolver.look('name.example') }
}

const found = (ttl: number, ...hosts: string[]): Found => ({
  ttl,
  addresses: hosts.map((host) => ({ host, alternatives: [] })),
})
const coded = (code: string): Error => Object.assign(new Error(code), { code })

test('a name is asked for once by however many, and again only when its time to live is over', async () => {
  const { asked, settle, look, time } = resolverOf()
  for (let reader = 0; reader < 100; reader += 1) look()
  expect(asked).toHaveLength(1)
  await settle(({ resolve }) => resolve(found(60, '192.0.2.1')))
  time.pass(59_999)
  expect(look().answer?.addresses[0]?.host).toBe('192.0.2.1')
  expect(asked).toHaveLength(1)
  time.pass(1)
  look()
  expect(asked).toHaveLength(2)
})

test('the answer before is used while a newer one is awaited, and changes are counted', async () => {
  const { resolver, settle, look, time } = resolverOf()
  await settle(({ resolve }) => resolve(found(60, '192.0.2.1')))
  time.pass(60_000)
  expect(look().answer?.addresses[0]?.host).toBe('192.0.2.1')
  const before = resolver.changes
  await settle(({ resolve }) => resolve(found(60, '192.0.2.1')))
  expect(resolver.changes).toBe(before)
  time.pass(60_000)
  await settle(({ resolve }) => resolve(found(60, '192.0.2.2')))
  expect(resolver.changes).toBe(before + 1)
  expect(look().answer?.addresses[0]?.host).toBe('192.0.2.2')
})

test('a name that vanishes keeps its last good answer for a bounded time', async () => {
  const { settle, look, time, resolver } = resolverOf()
  await settle(({ resolve }) => resolve(found(10, '192.0.2.1')))
  time.pass(10_000)
  await settle(({ reject }) => reject(coded('ENOTFOUND')))
  expect(look().answer).toBeDefined()
  time.pass(keptFor.stale - 1)
  expect(look().answer).toBeDefined()
  const before = resolver.changes
  time.pass(1)
  expect(look().answer).toBeUndefined()
  expect(resolver.changes).toBe(before + 1)
})

test.each([
  ['ENOTFOUND', keptFor.missing],
  ['ENODATA', keptFor.missing],
  ['ETIMEOUT', keptFor.failure],
])('after %s it is asked again in %d milliseconds, not before', async (code, milliseconds) => {
  const { asked, settle, look, time } = resolverOf()
  await settle(({ reject }) => reject(coded(code)))
  expect(look().failure).toMatchObject({ code })
  time.pass(milliseconds - 1)
  look()
  expect(asked).toHaveLength(1)
  time.pass(1)
  look()
  expect(asked).toHaveLength(2)
})

test('a time to live of 0 does not make a storm', async () => {
  const { asked, settle, look, time } = resolverOf()
  await settle(({ resolve }) => resolve(found(0, '192.0.2.1')))
  time.pass(keptFor.least - 1)
  look()
  expect(asked).toHaveLength(1)
})

test('logs a failed lookup with its cause', async () => {
  const lines: string[] = []
  const log = openLog('test', (line) => void lines.push(line))
  const resolver = openResolver(() => Promise.reject(coded('ESERVFAIL')), systemClock, log)
  await resolver.look('lost.test').asking
  expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { level: 'warn', message: 'dns: lookup failed', host: 'lost.test', error: {} },
  ])
})
