import { expect, test } from 'vitest'
import { analyticsRoutes } from '../../src/admin/analytics-routes.ts'
import { openAnalytics } from '../../src/analytics/open-analytics.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { openLog } from '../../src/lib/log.ts'
import { onPostgres, openStoreAt } from '../harness/store-engines.ts'
import { openTestWarehouse } from '../harness/open-test-warehouse.ts'
import { until } from '../harness/until.ts'
import { openTestAdmin, type TestOptions } from './admin-harness.ts'

/** A control plane with captured log lines. */
async function openLogged(options: TestOptions) {
  const lines: Record<string, unknown>[] = []
  const log = openLog(
    'test',
    (line) => void lines.push(JSON.parse(line) as Record<string, unknown>),
  )
  return { lines, ...(await openTestAdmin({ log, ...options })) }
}

const fail = (): never => {
  throw new Error('injected')
}

/** Finds the only log line with the request id of the response. */
const lineOf = (headers: Headers, method: string, url: string) => ({
  level: 'error',
  message: 'admin: request failed',
  request: headers.get('x-kong-admin-request-id'),
  method,
  url,
  error: { message: 'injected', stack: expect.stringContaining('admin-failures.test.ts') },
})

test('logs a failure in an Admin API route once, with its stack and the request id', async () => {
  const { ask, lines } = await openLogged({ workers: fail })
  const { status, body, headers } = await ask('GET', '/status')
  expect([status, body.message]).toEqual([500, 'An unexpected error occurred'])
  expect(lines).toEqual([expect.objectContaining(lineOf(headers, 'GET', '/status'))])
})

test('logs a failure in a change once, on the Manager too', async () => {
  let isBroken = false
  const { ask, lines } = await openLogged({ compile: () => (isBroken ? fail() : undefined) })
  isBroken = true
  const { status, headers } = await ask('POST', '/admin/services', { host: 'h' }, { manager: true })
  expect(status).toBe(500)
  expect(lines).toEqual([expect.objectContaining(lineOf(headers, 'POST', '/admin/services'))])
})

test('logs a failure that is sent as the last line of a progress stream', async () => {
  let isBroken = false
  const { ask, lines } = await openLogged({ compile: () => (isBroken ? fail() : undefined) })
  isBroken = true
  const document = { _format_version: '3.0', services: [{ name: 's', host: 'h' }] }
  const headers = { accept: 'application/x-ndjson' }
  const answer = await ask('POST', '/default/config/sync', document, { headers })
  expect(answer.text).toContain('"status":500')
  expect(lines).toEqual([
    expect.objectContaining(lineOf(answer.headers, 'POST', '/default/config/sync')),
  ])
})

test('logs a failure in a route of analytics once', async () => {
  const warehouse = await openTestWarehouse()
  const analytics = openAnalytics({ warehouse, rightsOf: () => undefined, clock: systemClock })
  const { ask, lines } = await openLogged({
    analytics: (app) => void app.register(analyticsRoutes, { analytics, identify: fail }),
  })
  const { status, body, headers } = await ask('GET', '/api/analytics/meta')
  expect([status, body.code]).toEqual([500, 'internal'])
  expect(lines).toEqual([expect.objectContaining(lineOf(headers, 'GET', '/api/analytics/meta'))])
})

test('logs a failure whose audit record cannot be written either', async () => {
  const { ask, lines, configuration } = await openLogged({})
  await configuration.close()
  const { status } = await ask('POST', '/services', { host: 'h' })
  expect(status).toBe(500)
  expect(lines.length).toBeGreaterThan(0)
  for (const line of lines)
    expect(line).toMatchObject({ level: 'error', error: { stack: expect.any(String) } })
})

test('logs nothing for a refusal', async () => {
  const { ask, lines } = await openLogged({})
  expect((await ask('POST', '/services', {})).status).toBe(400)
  expect((await ask('GET', '/services/none')).status).toBe(404)
  expect((await ask('GET', '/services', undefined, { token: 'x' })).status).toBe(401)
  expect(lines).toEqual([])
})

onPostgres(({ fresh, halt, restart }) => {
  test('reports whether the database is reachable', async () => {
    const { ask, lines } = await openLogged({ store: await openStoreAt(await fresh()) })
    const isReachable = async () => {
      const status = await ask('GET', '/status')
      const { text } = await ask('GET', '/metrics')
      const metric = /^kong_datastore_reachable (\d)$/m.exec(text)?.[1]
      return [status.status, status.body.database.reachable, metric]
    }
    expect(await isReachable()).toEqual([200, true, '1'])
    expect(lines).toEqual([])
    await halt()
    expect(await isReachable()).toEqual([200, false, '0'])
    const unreachable = { level: 'warn', message: 'admin: database unreachable' }
    expect(lines).toContainEqual(expect.objectContaining(unreachable))
    await restart()
    await until('it is reachable again', async () => (await isReachable())[1] === true)
  }, 60_000)
})
