import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { AuditRecord } from '../../schema/audit-record.ts'
import { openAuditThrottle } from './open-audit-throttle.ts'

const refusal = (address: string): AuditRecord => ({
  id: 'i',
  time: 0,
  requestId: 'r',
  principal: null,
  address,
  workspace: '',
  workspaceId: '',
  method: 'POST',
  path: '/services',
  action: 'create',
  allowed: false,
  because: 'Invalid RBAC credentials',
  before: [],
  after: [],
  status: 401,
  revision: null,
})

const suppressedIn = ({ because }: AuditRecord): number =>
  Number(/^(\d+) more unauthenticated requests/.exec(because)?.[1] ?? 0)

test('writes or counts every refusal once, and at most 61 records per address and minute', () => {
  const steps = fc.array(
    fc.record({
      address: fc.constantFrom('a', 'b', 'c'),
      times: fc.nat(100),
      pause: fc.nat(90_000),
    }),
    { maxLength: 12 },
  )
  fc.assert(
    fc.property(steps, (bursts) => {
      let now = 0
      const throttle = openAuditThrottle({ now: () => now })
      const written: AuditRecord[] = []
      for (const { address, times, pause } of bursts) {
        for (let time = 0; time < times; time += 1) written.push(...throttle.pass(refusal(address)))
        now += pause
      }
      written.push(...throttle.drain())
      const counted = written.reduce((sum, record) => sum + (suppressedIn(record) || 1), 0)
      expect(counted).toBe(bursts.reduce((sum, { times }) => sum + times, 0))
      expect(written.length).toBeLessThanOrEqual(61 * 3 * (1 + Math.ceil(now / 60_000)))
    }),
  )
})

test('never suppresses records of an authenticated principal', () => {
  const throttle = openAuditThrottle({ now: () => 0 })
  const known = { ...refusal('a'), principal: { id: 'p', name: 'anna' } }
  for (let time = 0; time < 500; time += 1) throttle.pass(refusal('a'))
  expect(throttle.pass(known)).toEqual([known])
  expect(throttle.drain().map(suppressedIn)).toEqual([440])
})
