import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { StoredSession } from '../schema/session-rows.ts'
import { openAttempts } from './attempts.ts'
import { cookieIn, identify, type CredentialLookup } from './identify.ts'
import { hashPassword, verifyPassword } from './password.ts'
import { isCrossSite, refuseCrossSite } from './refuse-cross-site.ts'
import { hashSecret, isSecret } from './secret-hash.ts'
import { openSessions } from './sessions.ts'

describe('passwords', () => {
  test('verifies only the password that was hashed, and stores the parameters of the hash', async () => {
    const kept = await hashPassword('pässwörd')
    expect(kept).toMatch(/^scrypt\$32768\$8\$1\$[\w-]{22}\$[\w-]{43}$/)
    expect(await verifyPassword('pässwörd', kept)).toBe(true)
    expect(await verifyPassword('pa\u0308sswo\u0308rd', kept)).toBe(true)
    expect(await verifyPassword('password', kept)).toBe(false)
    expect(await hashPassword('pässwörd')).not.toBe(kept)
  })

  test('takes the same time without a hash, and never verifies', async () => {
    const kept = await hashPassword('x')
    const spent = async (hash: string | undefined) => {
      const began = process.cpuUsage()
      expect(await verifyPassword('y', hash)).toBe(false)
      return process.cpuUsage(began).user
    }
    const [known, unknown] = [await spent(kept), await spent(undefined)]
    expect(unknown).toBeGreaterThan(known / 5)
  })

  test('verifies hashes with other parameters', async () => {
    const cheap = 'scrypt$2$8$1$AAAAAAAAAAAAAAAAAAAAAA$'
    expect(await verifyPassword('x', cheap)).toBe(false)
    expect(await verifyPassword('x', 'not a hash')).toBe(false)
  })
})

test('matches a secret with its own hash only', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (one, other) => {
      expect(isSecret(one, hashSecret(one))).toBe(true)
      expect(isSecret(one, hashSecret(other))).toBe(one === other)
    }),
  )
  expect(isSecret('x', '')).toBe(false)
})

describe('identify', () => {
  const lookup: CredentialLookup = {
    findByToken: async (token) => (token === 'good' ? 'by-token' : undefined),
    findByCookie: async (cookie) => (cookie === 'good' ? 'by-cookie' : undefined),
  }

  test.each([
    [{ 'kong-admin-token': 'good' }, { principal: 'by-token', by: 'token' }],
    [{ authorization: 'bearer good' }, { principal: 'by-token', by: 'token' }],
    [{ cookie: 'a=b; weir_session=good' }, { principal: 'by-cookie', by: 'session' }],
    [{ 'kong-admin-token': 'bad', cookie: 'weir_session=good' }, undefined],
    [{ 'kong-admin-token': 'bad', authorization: 'Bearer good' }, undefined],
    [{ authorization: 'Basic good', cookie: 'weir_session=good' }, undefined],
    [{ 'kong-admin-token': ['good', 'good'] }, undefined],
    [{ cookie: 'xweir_session=good' }, undefined],
    [{}, undefined],
  ])('%j', async (headers, expected) => {
    expect(await identify(headers, lookup)).toEqual(expected)
  })

  test('finds the session cookie among others', () => {
    expect(cookieIn({ cookie: 'a=1;weir_session=x ; b=2' })).toBe('x')
    expect(cookieIn({})).toBeUndefined()
  })
})

test('refuses changes by session from other origins', () => {
  const json = {
    'content-type': 'application/json; charset=utf-8',
    host: 'h:8002',
    'x-csrf-token': 'right',
  }
  const check = (headers: Readonly<Record<string, string>>) => () =>
    refuseCrossSite(headers, 'right')
  expect(check({ ...json, origin: 'http://h:8002' })).not.toThrow()
  expect(check({ ...json, 'sec-fetch-site': 'same-origin' })).not.toThrow()
  for (const headers of [
    json,
    { ...json, origin: 'http://h:8003' },
    { ...json, origin: 'null' },
    { ...json, origin: 'http://h:8002', 'sec-fetch-site': 'none' },
    { ...json, origin: 'http://h:8002', 'sec-fetch-site': 'same-site' },
    { ...json, 'sec-fetch-site': 'same-origin', 'content-type': 'text/plain' },
    { ...json, 'sec-fetch-site': 'same-origin', 'x-csrf-token': 'wrong' },
    { ...json, 'sec-fetch-site': 'same-origin', 'x-csrf-token': '' },
  ]) {
    expect(check(headers)).toThrow('A change by session')
  }
  expect(isCrossSite({ host: 'h' })).toBe(false)
  expect(isCrossSite({ host: 'h', origin: 'http://evil' })).toBe(true)
})

test('slows failed attempts down per name and address, and per address over all names', () => {
  let now = 0
  const attempts = openAttempts({ now: () => now })
  const accepts = (name: string, address: string): boolean => {
    try {
      attempts.enter(name, address)
      return true
    } catch {
      return false
    }
  }
  /** Of 100 attempts at once. */
  const burst = (name: (number: number) => string, address: string): number =>
    Array.from({ length: 100 }, (_, number) => accepts(name(number), address)).filter(Boolean)
      .length
  /** Seconds until the next attempt is accepted. */
  const secondsToNext = (name: string, address: string): number => {
    const start = now
    while (!accepts(name, address)) now += 100
    return (now - start) / 1000
  }
  expect(burst(() => 'ann', 'a1')).toBe(5)
  expect(burst(() => 'ann', 'a2')).toBe(5)
  expect(burst((number) => `n${number}`, 'a3')).toBe(50)
  expect(secondsToNext('bob', 'a3')).toBe(6)
  now = 0
  const waits = Array.from({ length: 8 }, () => secondsToNext('ann', 'a1'))
  expect(waits).toEqual([1, 2, 4, 8, 16, 30, 30, 30])
  now += 30_000
  attempts.enter('ann', 'a1')
  attempts.succeed('ann', 'a1')
  expect(burst(() => 'ann', 'a1')).toBe(5)
  now += 5 * 60_000
  expect(burst(() => 'ann', 'a1')).toBe(5)
})

test('limits guesses of one password from many addresses, and locks nobody out who signed in before', () => {
  let now = 0
  const attempts = openAttempts({ now: () => now })
  const accepts = (name: string, address: string): boolean => {
    try {
      attempts.enter(name, address)
      return true
    } catch {
      return false
    }
  }
  attempts.enter('ann', 'home')
  attempts.succeed('ann', 'home')
  let guesses = 0
  const others: boolean[] = []
  for (let second = 0; second < 1000; second += 1) {
    now = second * 1000
    for (let bot = 0; bot < 5; bot += 1) if (accepts('ann', `bot-${second}-${bot}`)) guesses += 1
    // The owner, and somebody else with a new address, are not affected.
    if (second % 60 !== 0) continue
    others.push(accepts('ann', 'home'), accepts('bob', `new-${second}`))
    attempts.succeed('ann', 'home')
  }
  expect(others).toEqual(others.map(() => true))
  expect(guesses).toBeLessThanOrEqual(30 + 100)
  // Names that do not exist behave alike.
  expect(
    Array.from({ length: 40 }, (_, bot) => accepts('nobody', `b${bot}`)).filter(Boolean),
  ).toHaveLength(30)
})

test('forgets the oldest counts when there are too many to remember', () => {
  const attempts = openAttempts({ now: () => 0 })
  for (let number = 0; number < 5; number += 1) attempts.enter('ann', 'a1')
  expect(() => attempts.enter('ann', 'a1')).toThrow('Too many attempts')
  for (let number = 0; number < 60_000; number += 1) attempts.enter(`bob${number}`, `b${number}`)
  expect(() => attempts.enter('ann', 'a1')).not.toThrow()
})

test('extends a session while it is used, and stores only the hash of its cookie', async () => {
  let now = 0
  const rows = new Map<string, StoredSession>()
  const sessions = openSessions(
    {
      put: async (session) => void rows.set(session.sha256, session),
      find: async (sha256) => rows.get(sha256),
      remove: async (sha256) => void rows.delete(sha256),
      removeOf: async (principal) => {
        for (const [sha256, session] of rows)
          if (session.principal === principal) rows.delete(sha256)
      },
      listOf: async (principal) => [...rows.values()].filter((one) => one.principal === principal),
      removeById: async () => false,
      removeOfProvider: async () => [],
      removeExpired: async (time) => {
        for (const [sha256, session] of rows) if (session.expiresAt <= time) rows.delete(sha256)
      },
    },
    { now: () => now },
  )
  const hours = (count: number) => count * 3600_000
  const cookie = await sessions.begin({ principal: 'ann' }, undefined)
  expect([...rows.keys()]).toEqual([hashSecret(cookie)])
  now += hours(11)
  expect(await sessions.resume(cookie)).toMatchObject({ principal: 'ann' })
  now += hours(11)
  expect(await sessions.resume(cookie)).toMatchObject({ principal: 'ann' })
  const next = await sessions.begin({ principal: 'ann' }, cookie)
  expect(await sessions.resume(cookie)).toBeUndefined()
  now += hours(12)
  expect(await sessions.resume(next)).toBeUndefined()
  await sessions.begin({ principal: 'bob' }, undefined)
  expect(rows.size).toBe(1)
  await sessions.endAll('bob')
  expect(rows.size).toBe(0)
})
