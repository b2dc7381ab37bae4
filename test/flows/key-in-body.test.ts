import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { keyAuth } from '../../src/plugins/key-auth.ts'
import { openGateway, type TestGateway } from '../harness/open-gateway.ts'

let gateway: TestGateway
const stops: (() => unknown)[] = []

const routes = {
  hidden: { key_in_body: true },
  shown: { key_in_body: true, hide_credentials: false },
  guests: { key_in_body: true, anonymous: 'guest' },
  off: {},
}

/** Routes by setting, in front of a service that echoes bodies with their content type. */
beforeAll(async () => {
  const server = createServer((request, response) => {
    response.writeHead(200, { 'content-type': request.headers['content-type'] ?? 'none' })
    request.pipe(response)
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  stops.push(() => server.close())
  const { port } = server.address() as AddressInfo
  const names = Object.keys(routes)
  gateway = await openGateway(
    {
      services: [{ name: 'echo', host: '127.0.0.1', port }],
      routes: names.map((name) => ({ name, service: 'echo', paths: [`/${name}`] })),
      plugins: Object.entries(routes).map(([name, config]) => ({
        name: 'key-auth',
        route: name,
        config,
      })),
      consumers: { alice: { keys: ['the-key-of-alice'] }, guest: {} },
    },
    { onFinished: (stop) => void stops.unshift(stop) },
  )
})
afterAll(async () => {
  for (const stop of stops) await stop()
})

const key = 'the-key-of-alice'
const json = { 'content-type': 'application/json; charset=utf-8' }
const form = { 'content-type': 'application/x-www-form-urlencoded' }

const post = async (
  path: string,
  body: NonNullable<RequestInit['body']>,
  headers: Record<string, string> = {},
) => gateway.ask(path, { method: 'POST', body, headers })

test('reads the key from a JSON object, and forwards everything else of it', async () => {
  const names = fc.string().filter((name) => name !== 'apikey' && name !== '__proto__')
  const members = fc.dictionary(names, fc.jsonValue(), { noNullPrototype: true })
  await fc.assert(
    fc.asyncProperty(members, async (others) => {
      const answer = await post('/hidden', JSON.stringify({ ...others, apikey: key }), json)
      expect(answer.status).toBe(200)
      expect(await answer.json()).toEqual(JSON.parse(JSON.stringify(others)))
    }),
    { numRuns: 30 },
  )
  const long = '{"apikey":"the-key-of-alice","n":12345678901234567890.10,"__proto__":{"a":1}}'
  const answer = await post('/hidden', long, json)
  expect(await answer.text()).toBe('{"n":12345678901234567890.10,"__proto__":{"a":1}}')
})

test('reads the key from URL-encoded and multipart forms, and forwards the other fields byte by byte', async () => {
  const encoded = await post('/hidden', 'a=%e4+b&apikey=the-key-of%2dalice&a=&c', form)
  expect([encoded.status, await encoded.text()]).toEqual([200, 'a=%e4+b&a=&c'])
  const fields = new FormData()
  fields.set('a', 'b')
  fields.set('apikey', key)
  fields.set('file', new Blob([new Uint8Array([0, 255, 13, 10, 45, 45])]), 'ä.bin')
  const multipart = await (await post('/hidden', fields)).formData()
  expect([...multipart.keys()]).toEqual(['a', 'file'])
  const file = multipart.get('file') as File
  expect(new Uint8Array(await file.arrayBuffer())).toEqual(new Uint8Array([0, 255, 13, 10, 45, 45]))
})

test('forwards the body unchanged with hide_credentials off, and reads no body unless configured', async () => {
  const body = `{ "apikey": "${key}" }`
  expect(await (await post('/shown', body, json)).text()).toBe(body)
  expect((await post('/off', body, json)).status).toBe(401)
})

test('hides a key in the body even when one in a header was used', async () => {
  const answer = await post('/hidden', 'apikey=other&a=1', { ...form, apikey: key })
  expect([answer.status, await answer.text()]).toEqual([200, 'a=1'])
})

test('rejects duplicates, values that are not text, and bodies that do not match their content type', async () => {
  const bodies: readonly (readonly [string, Record<string, string>, string])[] = [
    [`apikey=${key}&apikey=${key}`, form, 'Duplicate API key found'],
    [`{"apikey":["${key}"]}`, json, 'Duplicate API key found'],
    ['{"apikey":5}', json, 'No API key found in request'],
    ['apikey=', form, 'No API key found in request'],
    [`["${key}"]`, json, 'No API key found in request'],
    [`{"apikey":"${key}"`, json, 'No API key found in request'],
    ['['.repeat(60_000), json, 'No API key found in request'],
    [`apikey=${key}`, { 'content-type': 'text/plain' }, 'No API key found in request'],
    ['--x--', { 'content-type': 'multipart/form-data' }, 'No API key found in request'],
    [`{"apikey":"wrong"}`, json, 'Unauthorized'],
  ]
  for (const [body, headers, message] of bodies) {
    const answer = await post('/hidden', body, headers)
    expect([answer.status, ((await answer.json()) as { message: string }).message]).toEqual([
      401,
      message,
    ])
  }
})

test('a body over 64 KiB has no key: 413 without another one, else it is forwarded whole', async () => {
  const body = `a=${'x'.repeat(200_000)}&apikey=${key}`
  expect((await post('/hidden', body, form)).status).toBe(413)
  for (const [path, headers] of [
    ['/hidden', { ...form, apikey: key }],
    ['/guests', form],
  ] as const) {
    for (const sent of [body, new Blob([body]).stream()]) {
      const init = { method: 'POST', body: sent, headers, duplex: 'half' } as RequestInit
      expect(await (await gateway.ask(path, init)).text()).toBe(body)
    }
  }
})

test('records the caller, and the key of a body in no event', async () => {
  await post('/hidden', JSON.stringify({ apikey: key }), json)
  expect(gateway.events.at(-1)).toMatchObject({ auth_method: 'key-auth', consumer: 'alice' })
  expect(JSON.stringify(gateway.events)).not.toContain(`"${key}"`)
})

test('accepts the identity realm of the control plane, and explains that others exist in Konnect only', () => {
  const { settings } = keyAuth
  const own = { scope: 'cp', id: null, region: null }
  expect(settings.parse({})['identity_realms']).toEqual([own])
  const { error } = settings.safeParse({ identity_realms: [own, { scope: 'realm', id: 'r' }] })
  expect(error?.issues).toMatchObject([
    { path: ['identity_realms', 1, 'scope'], message: expect.stringContaining('Konnect') },
  ])
})
