import { Readable } from 'node:stream'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { complaintOf, exchangeWith, usePlugin } from '../../test/harness/use-plugin.ts'
import type { RequestBody } from '../proxy/exchange.ts'
import { requestTransformer } from './request-transformer.ts'

type Asked = {
  readonly headers?: [string, string][]
  readonly path?: string
  readonly query?: string
  readonly body?: string
}

const buildBody = (text: string): RequestBody => ({
  present: true,
  length: text.length,
  received: text.length,
  isWhole: true,
  replayable: true,
  open: () => Readable.from([Buffer.from(text)]),
  readAhead: () => undefined,
})

/** The forwarded request. */
async function forwarded(
  config: object,
  { headers = [], path = '/', query = '', body }: Asked = {},
) {
  const exchange = exchangeWith({ path, query }, headers)
  exchange.findGroups = () => ({
    start: 0,
    end: 1,
    groups: ['/users/7', '7'],
    named: { id: '7' },
  })
  if (body !== undefined) Object.assign(exchange, { body: buildBody(body) })
  await usePlugin(requestTransformer, config).onRequest(exchange)
  const { forward } = exchange
  const parts: Buffer[] = []
  for await (const part of forward?.body?.open() ?? []) parts.push(part as Buffer)
  const sent = Buffer.concat(parts).toString()
  return { ...forward, headers: forward?.headers.flat ?? [], body: sent }
}

test('removes, renames, replaces, adds and appends headers, in this order', async () => {
  const config = {
    remove: { headers: ['x-gone'] },
    rename: { headers: ['x-old:X-New'] },
    replace: { headers: ['X-Kept:changed', 'x-absent:no'] },
    add: { headers: ['x-kept:no', 'X-Added:1', 'x-gone:back'] },
    append: { headers: ['X-Added:2', 'X-More:3'] },
  }
  const headers: [string, string][] = [
    ['X-Gone', 'a'],
    ['X-Old', 'b'],
    ['x-old', 'c'],
    ['x-kept', 'd'],
  ]
  expect((await forwarded(config, { headers })).headers).toEqual(
    ['X-New', 'b', 'X-New', 'c', 'X-Kept', 'changed', 'X-Added', '1', 'x-gone', 'back'].concat([
      'X-Added',
      '2',
      'X-More',
      '3',
    ]),
  )
})

test('transforms query strings, JSON objects and forms', async () => {
  const steps = {
    remove: ['gone'],
    rename: ['old:new'],
    replace: ['kept:2', 'absent:no'],
    add: ['kept:no', 'added:3'],
    append: ['added:4'],
  }
  const config = (part: string) =>
    Object.fromEntries(Object.entries(steps).map(([step, list]) => [step, { [part]: list }]))
  const pairs = 'gone=1&old=a&old=b&kept=1'
  const expected = 'kept=2&new=a&new=b&added=3&added=4'
  expect((await forwarded(config('querystring'), { query: pairs })).query).toBe(expected)
  const form: [string, string][] = [['content-type', 'application/x-www-form-urlencoded']]
  expect((await forwarded(config('body'), { headers: form, body: pairs })).body).toBe(expected)
  const json: [string, string][] = [['content-type', 'application/json; charset=utf-8']]
  const body = '{"gone":1,"old":["a"],"kept":{"x":1},"__proto__":5}'
  expect((await forwarded(config('body'), { headers: json, body })).body).toBe(
    '{"kept":"2","__proto__":5,"new":["a"],"added":["3","4"]}',
  )
})

test('forwards unreadable bodies unchanged', async () => {
  const config = { remove: { body: ['a'] } }
  for (const body of ['[1]', '{', '"text"', '', '{"a":1}'])
    expect(
      (await forwarded(config, { body, headers: [['content-type', 'text/plain']] })).body,
    ).toBe('')
  for (const body of ['[1]', '{', '"text"'])
    expect(
      (await forwarded(config, { body, headers: [['content-type', 'application/json']] })).body,
    ).toBe('')
  const huge = { body: ' '.repeat(70_000), headers: [['content-type', 'application/json']] }
  await expect(forwarded(config, huge as Asked)).rejects.toMatchObject({ status: 413 })
})

test('renders values of the request', async () => {
  const config = {
    add: {
      headers: [
        'a:$(headers.x_tenant)',
        'b:$(headers["X-Tenant"] or "none")',
        "c:$(headers.missing or query_params['page'] or 'none')",
        'd:<$(uri_captures.id)|$(uri_captures[1])|$(uri_captures[9])>',
        'e:$(consumer.username)',
        'f:https://x.example:80/$(query_params.name)',
      ],
    },
  }
  const asked: Asked = { headers: [['X-Tenant', 't1']], query: 'page=2&name=%C4%8D' }
  const { headers } = await forwarded(config, asked)
  expect(headers.slice(2)).toEqual(
    ['a', 't1', 'b', 't1', 'c', '2', 'd', '<7|7|>', 'e', '', 'f'].concat([
      `https://x.example:80/${Buffer.from('č').toString('latin1')}`,
    ]),
  )
  const body = { add: { body: ['name:$(query_params.name)'] } }
  const json: Asked = { ...asked, headers: [['content-type', 'application/json']], body: '{}' }
  expect((await forwarded(body, json)).body).toBe('{"name":"č"}')
})

test('no value of a request ends a header, a path or the request line', async () => {
  const config = {
    add: { headers: ['X-Name:$(query_params.name)'] },
    replace: { uri: '/files/$(query_params.name)', headers: ['host:$(query_params.name)'] },
  }
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary' }), async (name) => {
      const asked = { query: `name=${encodeURIComponent(name.toWellFormed())}` }
      const { headers, path, host } = await forwarded(config, asked)
      for (const text of headers) expect(text).toMatch(/^[\t -~\x80-\xff]*$/)
      expect(path).toMatch(/^\/[!$%&'()*+,/:;=@[\]\w.~-]*$/)
      expect(path).not.toMatch(/\/\.\.?(?:\/|$)/)
      expect(host).toMatch(/^[\w.:[\]-]*$/)
    }),
  )
  const query = `name=${encodeURIComponent('a\r\nX-Evil: 1 č ?#')}`
  expect((await forwarded(config, { query })).headers).toEqual([
    'X-Name',
    `aX-Evil: 1 ${Buffer.from('č').toString('latin1')} ?#`,
  ])
  for (const name of ['../../secret', '..', '%2e%2e/secret', '..\\secret', './x'])
    await expect(
      forwarded(config, { query: `name=${encodeURIComponent(name)}` }),
    ).rejects.toMatchObject({ status: 400, code: 'request-transformer.path' })
})

test('replaces the method and the path', async () => {
  const config = { http_method: 'PUT', replace: { uri: '/v2/$(uri_captures.id)' } }
  expect(await forwarded(config)).toMatchObject({ method: 'PUT', path: '/v2/7' })
})

test.each([
  [{ add: { headers: ['a'] } }, `add.headers.0: key 'a' has no value`],
  [{ add: { headers: ['a b:1'] } }, `add.headers.0: 'a b' is not a valid header`],
  [
    { add: { headers: ['Transfer-Encoding:chunked'] } },
    `add.headers.0: 'Transfer-Encoding' is written by the gateway`,
  ],
  [
    { rename: { headers: ['x-a:Content-Length'] } },
    `rename.headers.0: 'Content-Length' is written by the gateway`,
  ],
  [
    { add: { querystring: ['a:$(os.exit())'] } },
    `add.querystring.0: value '$(os.exit())' is not in supported format, error:expected a text in quotes or one of headers, query_params, uri_captures, consumer at character 5; there is no Lua`,
  ],
  [{ add: { body: ['a:$(headers.x'] } }, 'add.body.0: value'],
  [{ add: { body: ['a:$(__proto__.x)'] } }, 'add.body.0: value'],
  [{ add: { body: ['a:$(headers.constructor.name)'] } }, 'add.body.0: value'],
  [{ replace: { uri: '$(' } }, 'replace.uri: expected'],
  [{ http_method: 'HEAD' }, 'http_method: expected a method'],
  [{ http_method: 'get' }, 'http_method: expected a method'],
])('refuses %j', (config, complaint) => {
  expect(complaintOf(requestTransformer, config)?.slice(0, complaint.length)).toBe(complaint)
})
