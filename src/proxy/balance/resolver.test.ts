import { systemClock } from '../../lib/clock.ts'
import { openLog } from '../../lib/log.ts'
import { expect, test } from 'vitest'
import { createFakeTime } from '../../../test/harness/fake-time.ts'
import type { LookupResult } from './look-up-name.ts'
import { cachePeriods, openResolver } from './resolver.ts'

/** A resolver whose answers the test gives one by one. */
function resolverOf() {
  const time = createFakeTime()
  const asked: PromiseWithResolvers<LookupResult>[] = []
  const resolver = openResolver(() => {
    const answer = Promise.withResolvers<LookupResult>()
    asked.push(answer)
    return answer.promise
  }, time.clock)
  const settle = async (
    act: (answer: PromiseWithResolvers<LookupResult>) => void,
  ): Promise<void> => {
    const known = resolver.lookUp('name.example')
    act(asked.at(-1) as PromiseWithResolvers<LookupResult>)
    await known.pending
  }
  return { time, asked, resolver, settle, look: () => resolver.lookUp('name.example') }
}

const found = (ttl: number, ...hosts: string[]): LookupResult => ({
  ttl,
  addresses: hosts.map((host) => ({ host, alternatives: [] })),
})
const coded = (code: string): Error => Object.assign(new Error(code), { code })

test('shares one query among concurrent lookups, and repeats it after the time to live', async () => {
  const { asked, settle, look, time } = resolverOf()
  for (let reader = 0; reader < 100; reader += 1) look()
  expect(asked).toHaveLength(1)
  await settle(({ resolve }) => resolve(found(60, '192.0.2.1')))
  time.advance(59_999)
  expect(look().answer?.addresses[0]?.host).toBe('192.0.2.1')
  expect(asked).toHaveLength(1)
  time.advance(1)
  look()
  expect(asked).toHaveLength(2)
})

test('serves the cached answer during a refresh, and counts changes', async () => {
  const { resolver, settle, look, time } = resolverOf()
  await settle(({ resolve }) => resolve(found(60, '192.0.2.1')))
  time.advance(60_000)
  expect(look().answer?.addresses[0]?.host).toBe('192.0.2.1')
  const before = resolver.changes
  await settle(({ resolve }) => resolve(found(60, '192.0.2.1')))
  expect(resolver.changes).toBe(before)
  time.advance(60_000)
  await settle(({ resolve }) => resolve(found(60, '192.0.2.2')))
  expect(resolver.changes).toBe(before + 1)
  expect(look().answer?.addresses[0]?.host).toBe('192.0.2.2')
})

test('serves a stale answer for a bounded time after a name disappears', async () => {
  const { settle, look, time, resolver } = resolverOf()
  await settle(({ resolve }) => resolve(found(10, '192.0.2.1')))
  time.advance(10_000)
  await settle(({ reject }) => reject(coded('ENOTFOUND')))
  expect(look().answer).toBeDefined()
  time.advance(cachePeriods.stale - 1)
  expect(look().answer).toBeDefined()
  const before = resolver.changes
  time.advance(1)
  expect(look().answer).toBeUndefined()
  expect(resolver.changes).toBe(before + 1)
})

test.each([
  ['ENOTFOUND', cachePeriods.missing],
  ['ENODATA', cachePeriods.missing],
  ['ETIMEOUT', cachePeriods.failure],
])('after %s repeats the query in %d ms', async (code, milliseconds) => {
  const { asked, settle, look, time } = resolverOf()
  await settle(({ reject }) => reject(coded(code)))
  expect(look().failure).toMatchObject({ code })
  time.advance(milliseconds - 1)
  look()
  expect(asked).toHaveLength(1)
  time.advance(1)
  look()
  expect(asked).toHaveLength(2)
})

test('applies a minimum time to live', async () => {
  const { asked, settle, look, time } = resolverOf()
  await settle(({ resolve }) => resolve(found(0, '192.0.2.1')))
  time.advance(cachePeriods.min - 1)
  look()
  expect(asked).toHaveLength(1)
})

test('applies a maximum time to live', async () => {
  const { asked, settle, look, time } = resolverOf()
  await settle(({ resolve }) => resolve(found(1e9, '192.0.2.1')))
  time.advance(cachePeriods.max)
  look()
  expect(asked).toHaveLength(2)
})

test('drops names that are no longer configured', async () => {
  const { asked, resolver, settle, look } = resolverOf()
  await settle(({ resolve }) => resolve(found(60, '192.0.2.1')))
  const names = ['name.example']
  resolver.retain(names)
  resolver.retain(names)
  resolver.release(names)
  look()
  expect(asked).toHaveLength(1)
  resolver.release(names)
  resolver.retain(names)
  look()
  expect(asked).toHaveLength(2)
  resolver.retain(names)
  resolver.release(names)
  look()
  expect(asked).toHaveLength(2)
})

test('drops names at the next release that were looked up without being retained', async () => {
  const { asked, resolver, settle, look } = resolverOf()
  await settle(({ resolve }) => resolve(found(60, '192.0.2.1')))
  resolver.release([])
  await settle(({ resolve }) => resolve(found(60, '192.0.2.1')))
  expect(asked).toHaveLength(2)
  resolver.retain(['name.example'])
  resolver.release([])
  look()
  expect(asked).toHaveLength(2)
})

test('logs a failed lookup with its cause', async () => {
  const lines: string[] = []
  const log = openLog('test', (line) => void lines.push(line))
  const resolver = openResolver(() => Promise.reject(coded('ESERVFAIL')), systemClock, log)
  await resolver.lookUp('lost.test').pending
  expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { level: 'warn', message: 'dns: lookup failed', host: 'lost.test', error: {} },
  ])
})
