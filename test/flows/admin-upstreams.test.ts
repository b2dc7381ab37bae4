import { expect, test } from 'vitest'
import { openTestAdmin } from './admin-harness.ts'

test('hash_on implies consistent-hashing, and least-connections implies no hash_on, as in Kong', async () => {
  const { ask } = await openTestAdmin()
  const after = async (method: string, path: string, body: unknown) => {
    const { body: answer } = await ask(method, path, body)
    return [answer.algorithm, answer.hash_on]
  }
  expect(await after('POST', '/upstreams', { name: 'u', hash_on: 'ip' })).toEqual([
    'consistent-hashing',
    'ip',
  ])
  expect(await after('PATCH', '/upstreams/u', { algorithm: 'least-connections' })).toEqual([
    'least-connections',
    'none',
  ])
  expect(await after('PATCH', '/upstreams/u', { hash_on: 'path', algorithm: 'latency' })).toEqual([
    'consistent-hashing',
    'path',
  ])
  expect(await after('PATCH', '/upstreams/u', { hash_on: 'none' })).toEqual(['round-robin', 'none'])
  expect(
    await after('PUT', '/upstreams/u', { hash_on: 'none', algorithm: 'least-connections' }),
  ).toEqual(['least-connections', 'none'])
})

test('changing one health check keeps the others', async () => {
  const { ask } = await openTestAdmin()
  const active = { healthy: { interval: 5, successes: 2 }, headers: { 'X-A': ['1'] } }
  await ask('POST', '/upstreams', { name: 'u', healthchecks: { threshold: 20, active } })
  await ask('PATCH', '/upstreams/u', {
    healthchecks: { active: { healthy: { interval: 9 } }, passive: { unhealthy: { timeouts: 3 } } },
  })
  const { body } = await ask('GET', '/upstreams/u')
  expect(body.healthchecks).toMatchObject({
    threshold: 20,
    active: { healthy: { interval: 9, successes: 2 }, headers: { 'X-A': ['1'] } },
    passive: { unhealthy: { timeouts: 3, http_failures: 0 } },
  })
  expect((await ask('PUT', '/upstreams/u', body)).body).toMatchObject({
    healthchecks: body.healthchecks,
  })
  const bare = await ask('PATCH', '/upstreams/u', { healthchecks: null })
  expect(bare.body.healthchecks).toMatchObject({ threshold: 0, active: { headers: null } })
})

test('forms can set nested fields', async () => {
  const { ask } = await openTestAdmin()
  const { status, body } = await ask(
    'POST',
    '/upstreams',
    'name=u&healthchecks.active.healthy.interval=2.5&healthchecks.active.unhealthy.http_statuses[]=500',
    { headers: { 'content-type': 'application/x-www-form-urlencoded' } },
  )
  expect([status, body.healthchecks?.active.healthy.interval]).toEqual([201, 2.5])
  expect(body.healthchecks.active.unhealthy.http_statuses).toEqual([500])
})

test('targets have Kong’s defaults, and return Kong’s error for an invalid address', async () => {
  const { ask } = await openTestAdmin()
  await ask('POST', '/upstreams', { name: 'u' })
  const made = await ask('POST', '/upstreams/u/targets', { target: 'h.example' })
  expect(made.body).toMatchObject({ target: 'h.example:8000', weight: 100, failover: false })
  const six = await ask('POST', '/upstreams/u/targets', { target: '2001:db8::1' })
  expect(six.body.target).toBe('[2001:db8::1]:8000')
  const refused = await ask('POST', '/upstreams/u/targets', { target: 'a b' })
  expect(refused.body.fields).toEqual({
    target: `Invalid target ('a b'); not a valid hostname or ip address`,
  })
  const heavy = await ask('POST', '/upstreams/u/targets', { target: 'x:1', weight: 65_536 })
  expect(heavy.body.fields).toEqual({ weight: 'value should be between 0 and 65535' })
  expect((await ask('GET', '/targets')).status).toBe(404)
})
