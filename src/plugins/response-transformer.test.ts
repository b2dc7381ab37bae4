import { gzipSync } from 'node:zlib'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openGateway, type TestGateway } from '../../test/harness/open-gateway.ts'
import { startUpstream } from '../../test/harness/start-upstream.ts'
import { complaintOf } from '../../test/harness/use-plugin.ts'
import { responseTransformer } from './response-transformer.ts'

/** A route for each configuration. */
const configs: Readonly<Record<string, object>> = {
  headers: {
    remove: { headers: ['x-gone'] },
    rename: { headers: ['x-old:X-New'] },
    replace: { headers: ['X-Kept:changed', 'x-absent:no'] },
    add: { headers: ['x-kept:no', 'X-Added:1', 'X-Host:$(query_params.name)', 'x-none:'] },
    append: { headers: ['X-Added:2'] },
  },
  json: {
    remove: { json: ['gone'] },
    rename: { json: ['old:new', 'gone:back', 'kept:'] },
    replace: { json: ['kept:2', 'no:1'], json_types: ['number'] },
    add: {
      json: ['kept:no', 'flag:true', 'number:x'],
      json_types: ['string', 'boolean', 'number'],
    },
    append: { json: ['list:3', 'list:4', 'one:$(headers.x_name)'], json_types: ['number'] },
  },
}

let gateway: TestGateway
const stops: (() => unknown)[] = []
let respond = (_: IncomingMessage, response: ServerResponse): unknown => response.end()

beforeAll(async () => {
  const { port } = await startUpstream(
    (request, response) => respond(request, response),
    (stop) => stops.push(stop),
  )
  gateway = await openGateway(
    {
      services: [{ name: 'one', host: '127.0.0.1', port }],
      routes: Object.keys(configs).map((name) => ({ name, paths: [`/${name}`], service: 'one' })),
      plugins: [
        ...Object.entries(configs).map(([route, config]) => ({
          name: 'response-transformer',
          config,
          route,
        })),
        { name: 'request-termination', config: { trigger: 'stop', status_code: 403 } },
      ],
    },
    { onFinished: (stop) => stops.unshift(stop) },
  )
})
afterAll(async () => {
  for (const stop of stops) await stop()
})

const json = { 'content-type': 'application/json; charset=utf-8' }

/** Sends a response of the service through a route. */
async function through(
  path: string,
  {
    body = '',
    headers = {},
    status = 200,
  }: { body?: string | Buffer; headers?: object; status?: number },
  init: RequestInit = {},
) {
  respond = (_, response) => response.writeHead(status, { ...headers }).end(body)
  const response = await gateway.ask(path, init)
  return { headers: response.headers, status: response.status, text: await response.text() }
}

test('removes, renames, replaces, adds and appends headers of any answer', async () => {
  const headers = { 'X-Gone': 'a', 'X-Old': 'b', 'X-Kept': 'c' }
  const { headers: sent, text } = await through('/headers?name=n%0d%0aX-Evil:%20y', {
    headers,
    body: 'as it is',
  })
  expect(Object.fromEntries(sent)).toMatchObject({
    'x-new': 'b',
    'x-kept': 'changed',
    'x-added': '1, 2',
    'x-host': 'nX-Evil: y',
  })
  for (const name of ['x-gone', 'x-old', 'x-absent', 'x-none', 'x-evil'])
    expect(sent.has(name)).toBe(false)
  expect(text).toBe('as it is')
  const refused = await through('/headers?stop=1', {})
  expect([refused.status, refused.headers.get('x-added')]).toEqual([403, '1, 2'])
})

test('transforms the members of JSON objects', async () => {
  const body = '{"gone":1,"old":{"a":1},"kept":1,"list":[1],"__proto__":5}'
  const { text, headers } = await through(
    '/json',
    { body, headers: json },
    { headers: { 'x-name': 'Ä\u008d' } },
  )
  expect(text).toBe(
    '{"kept":2,"list":[1,3,"4"],"__proto__":5,"new":{"a":1},"flag":true,"one":["č"]}',
  )
  expect(headers.get('content-length')).toBe(String(Buffer.byteLength(text)))
  expect(gateway.events.at(-1)?.response_bytes).toBe(Buffer.byteLength(text))
  const problem = {
    body: '{}',
    headers: { 'content-type': 'application/problem+json' },
    status: 404,
  }
  expect((await through('/json', problem)).text).toContain('"flag":true')
})

test('transforms JSON that arrives in parts, and JSON of the gateway itself', async () => {
  respond = (_, response) => {
    response.writeHead(200, json)
    response.write('{"gone":')
    setImmediate(() => response.end('1,"a":2}'))
  }
  const response = await gateway.ask('/json')
  expect(await response.json()).toMatchObject({ a: 2, flag: true })
  expect((await through('/json?stop=1', {})).text).toContain('"flag":true')
})

test('forwards other bodies unchanged', async () => {
  for (const body of ['[1]', '{', '"text"', ''])
    expect((await through('/json', { body, headers: json })).text).toBe(body)
  expect(
    (await through('/json', { body: '{"gone":1}', headers: { 'content-type': 'text/plain' } }))
      .text,
  ).toBe('{"gone":1}')
  const zipped = { body: gzipSync('{"gone":1}'), headers: { ...json, 'content-encoding': 'gzip' } }
  expect((await through('/json', zipped)).text).toBe('{"gone":1}')
  respond = (request, response) =>
    response.writeHead(200, json).end(JSON.stringify(request.headers))
  expect(await (await gateway.ask('/json')).json()).not.toHaveProperty('accept-encoding')
  const head = await through(
    '/json',
    { headers: { ...json, 'content-length': 10 } },
    { method: 'HEAD' },
  )
  expect([head.status, head.headers.has('content-length')]).toEqual([200, false])
})

test('answers 502 instead of a body that is too large to be transformed', async () => {
  const body = JSON.stringify({ gone: 'x'.repeat(1_100_000) })
  const { status, text } = await through('/json', { body, headers: json })
  expect([status, text.includes('xxx')]).toEqual([502, false])
  expect(gateway.events.at(-1)).toMatchObject({ outcome: 'failed', reason: 'answer.too_large' })
})

test('answers 502 when the service breaks off a body that is transformed', async () => {
  respond = (request, response) => {
    response.writeHead(200, { ...json, 'content-length': 100 }).write('{')
    setImmediate(() => request.socket.destroy())
  }
  expect((await gateway.ask('/json')).status).toBe(502)
})

test.each([
  [{ add: { headers: ['a'] } }, 'add.headers.0: invalid value: a'],
  [{ add: { headers: ['a b:1'] } }, `add.headers.0: 'a b' is not a valid header`],
  [{ add: { headers: ['Content-Length:1'] } }, `add.headers.0: 'Content-Length' is written by`],
  [{ rename: { headers: ['a:b c'] } }, `rename.headers.0: 'b c' is not a valid header`],
  [{ rename: { json: ['a'] } }, 'rename.json.0: invalid value: a'],
  [{ replace: { json: ['a:$(os.exit())'] } }, `replace.json.0: value '$(os.exit())' is not in`],
  [{ add: { json_types: ['table'] } }, 'add.json_types.0: Invalid option'],
  [{ if_status: ['200'] }, ': Unrecognized key: "if_status"'],
])('refuses %j', (config, complaint) => {
  expect(complaintOf(responseTransformer, config)?.slice(0, complaint.length)).toBe(complaint)
})
