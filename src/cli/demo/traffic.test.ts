import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { startTraffic, waveAt } from './traffic.ts'

test('sends varied requests until aborted, also when responses fail', async () => {
  const seen: { key: string | undefined; method: string; path: string }[] = []
  const enough = Promise.withResolvers<void>()
  const server = createServer((request, response) => {
    const key = request.headers['apikey']
    seen.push({ key: key?.toString(), method: request.method ?? '', path: request.url ?? '' })
    if (seen.length === 400) enough.resolve()
    if (seen.length % 10 === 0) response.destroy()
    else response.end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const proxyUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const stop = new AbortController()
  const statuses = new Set<number>()
  const traffic = startTraffic({
    proxyUrl,
    keys: { 'web-shop': 'k1', 'mobile-app': 'k2' },
    ratePerSecond: 2000,
    signal: stop.signal,
    onAnswer: (status) => statuses.add(status),
  })
  await enough.promise
  stop.abort()
  await traffic
  server.close()
  const of = (test: (request: (typeof seen)[number]) => boolean): number => seen.filter(test).length
  expect(of(({ key }) => key === 'k1')).toBeGreaterThan(of(({ key }) => key === 'k2'))
  expect(of(({ key }) => key === undefined)).toBeGreaterThan(5)
  expect(of(({ key }) => key === 'demo-key-wrong')).toBeGreaterThan(5)
  expect(new Set(seen.map(({ method }) => method))).toContain('POST')
  expect(new Set(seen.map(({ path }) => path.split(/[/?]/)[1])).size).toBeGreaterThan(5)
  expect([...statuses].toSorted((one, other) => one - other)).toEqual([0, 200])
})

test('the load curve has a mean of 1 and stays above 0.4', () => {
  const values = Array.from({ length: 14_100 }, (_, second) => waveAt(second * 1000))
  expect(values.reduce((sum, value) => sum + value, 0) / values.length).toBeCloseTo(1, 2)
  expect(Math.min(...values)).toBeGreaterThan(0.4)
})
