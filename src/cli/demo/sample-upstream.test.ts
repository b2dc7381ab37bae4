import { afterAll, beforeAll, expect, test } from 'vitest'
import { spawnSampleUpstream } from './spawn-sample-upstream.ts'
import { startSampleUpstream, type SampleUpstream } from './sample-upstream.ts'

let upstream: SampleUpstream
const clock = { now: () => 0 }
const ask = (path: string, options?: RequestInit, port = 0): Promise<Response> =>
  fetch(`http://127.0.0.1:${upstream.ports[port]}${path}`, options)

beforeAll(async () => {
  upstream = await startSampleUpstream({ seed: 3, clock })
})
afterAll(() => upstream.close())

test.each([0, 1])('port %i serves its services and no others', async (port) => {
  const found = await ask('/search', undefined, port)
  expect(found.status).toBe(200)
  expect(await found.json()).toMatchObject({ service: 'search' })
  expect((await ask('/toString', undefined, port)).status).toBe(404)
})

test('the profile shows the claims of the token, and answers without one', async () => {
  const claims = { sub: 'anna' }
  const payload = Buffer.from(JSON.stringify(claims)).toString('base64url')
  const shown = await ask('/profile', { headers: { authorization: `Bearer e30.${payload}.c2ln` } })
  expect(await shown.json()).toEqual({ service: 'profile', hasToken: true, claims })
  expect(await (await ask('/profile')).json()).toMatchObject({ hasToken: false, claims: null })
})

test.each([
  ['POST', '/users', 201],
  ['PUT', '/users/7', 200],
  ['DELETE', '/users/7', 204],
  ['GET', '/users/901', 404],
])('%s %s returns %i', async (method, path, status) => {
  const body = method === 'POST' || method === 'PUT' ? 'hello' : null
  expect((await ask(path, { method, body })).status).toBe(status)
})

test('a download has the announced length', async () => {
  const answer = await ask('/inventory/export')
  expect((await answer.arrayBuffer()).byteLength).toBe(Number(answer.headers.get('content-length')))
})

test('sends server-sent events', async () => {
  const answer = await ask('/orders/events')
  const text = await answer.text()
  expect(text.match(/^id: \d$/gm)).toEqual(['id: 1', 'id: 2', 'id: 3', 'id: 4', 'id: 5'])
})

test('billing fails often, search rarely', async () => {
  const statuses = async (path: string): Promise<number[]> => {
    const answers = await Promise.all(Array.from({ length: 150 }, () => ask(path)))
    return answers.map((answer) => answer.status).filter((status) => status >= 500)
  }
  const [billing, search] = [await statuses('/billing/7'), await statuses('/search/7')]
  expect(billing.length).toBeGreaterThan(5)
  expect(search.length).toBeLessThan(5)
})

test('runs as a child process until closed', async () => {
  const spawned = await spawnSampleUpstream()
  const address = `http://127.0.0.1:${spawned.ports[1]}/users`
  expect((await fetch(address)).status).toBe(200)
  await spawned.close()
  await expect(fetch(address)).rejects.toThrow('fetch failed')
})
