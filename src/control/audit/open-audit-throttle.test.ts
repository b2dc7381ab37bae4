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

const heldIn = ({ because }: AuditRecord): number =>
  Number(/^(\d+) more requests of nobody known/.exec(because)?.[1] ?? 0)

test('however refusals come, each is kept or counted once, and few are kept', () => {
  const steps = fc.array(
    fc.record({
      address: fc.constantFrom('a', 'b', 'c'),
      times: fc.nat(100),
      pause: fc.nat(90_000),
    }),
    { maxLength: 12 },
  )
  fc.assert(
    fc.property(steps, (asked) => {
      let now = 0
      const throttle = openAuditThrottle({ now: () => now })
      const kept: AuditRecord[] = []
      for (const { address, times, pause } of asked) {
        for (let time = 0; time < times; time += 1) kept.push(...throttle.pass(refusal(address)))
        now += pause
      }
      kept.push(...throttle.drain())
      const counted = kept.reduce((sum, record) => sum + (heldIn(record) || 1), 0)
      expect(counted).toBe(asked.reduce((sum, { times }) => sum + times, 0))
      expect(kept.length).toBeLessThanOrEqual(61 * 3 * (1 + Math.ceil(now / 60_000)))
    }),
  )
})

test('what somebody known does is always kept', () => {
  const throttle = openAuditThrottle({ now: () => 0 })
  const known = { ...refusal('a'), principal: { id: 'p', name: 'anna' } }
  for (let time = 0; time < 500; time += 1) throttle.pass(refusal('a'))
  expect(throttle.pass(known)).toEqual([known])
  expect(throttle.drain().map(heldIn)).toEqual([440])
})
