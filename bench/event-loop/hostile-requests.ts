import { Buffer } from 'node:buffer'

/** A request that makes a careless parser hold the event loop. */
export type HostileRequest = {
  readonly plane: 'control plane' | 'gateway'
  readonly door: string
  readonly shape: string
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Milliseconds for which the event loop is watched after the answer, because work follows it. */
  readonly after?: number
}

const kibibyte = 1024
const mebibyte = 1024 * kibibyte
const entityBytes = mebibyte - 4 * kibibyte
const documentBytes = 31 * mebibyte

const fill = (text: string, bytes: number): string =>
  text.repeat(Math.floor(bytes / Buffer.byteLength(text)))
const listOf = (item: string, bytes: number): string => `[${fill(`${item},`, bytes)}${item}]`
const items = (count: number, item: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => item(index)).join(',')

const json = (door: string, method: string, path: string) => (shape: string, body: string) =>
  request(door, shape, { method, path, body, type: 'application/json' })

function request(
  door: string,
  shape: string,
  { method, path, body, type }: { method: string; path: string; body: string; type: string },
): HostileRequest {
  const headers = { 'content-type': type }
  return { plane: 'control plane', door, shape, method, path, headers, body }
}

const form = (shape: string, body: string, type: string): HostileRequest =>
  request('form', shape, { method: 'POST', path: '/services', body, type })

const urlEncoded = 'application/x-www-form-urlencoded'
const multipart = 'multipart/form-data; boundary=b'
const part = '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n'

/** Requests within the limits of their doors, or just beyond. */
export function* hostileRequests(): Iterable<HostileRequest> {
  yield form('a=&a=&…', fill('a=&', entityBytes), urlEncoded)
  yield form('1000 deep names', fill(`${'a.'.repeat(60)}a=&`, 120 * 999), urlEncoded)
  yield form('escapes', `a=${fill('%41', entityBytes)}`, urlEncoded)
  yield form('many parts', `${fill(`${part}x\r\n`, entityBytes)}--b--`, multipart)
  yield form('dashes', `${part}${fill('\r\n--', entityBytes)}\r\n--b--`, multipart)

  const service = json('entity', 'POST', '/services')
  yield service('nested lists', fill('[', entityBytes))
  yield service('empty lists', listOf('[]', entityBytes))
  yield service('unknown fields', `{${items(9_990, (index) => `"${index}":1`)}}`)
  const route = json('entity', 'POST', '/routes')
  for (const field of ['tags', 'methods', 'hosts', 'paths', 'snis', 'protocols']) {
    yield route(`${field}, all invalid`, `{"${field}":[${items(9_990, () => '1')}]}`)
  }
  yield route('expressions', `{"paths":[${items(9_990, (index) => `"~/${index}(a|b)+c"`)}]}`)
  yield route('long expressions', `{"paths":[${items(100, () => `"~/${fill('[a-z]', 9_000)}"`)}]}`)
  yield route('hosts', `{"hosts":[${items(9_990, (index) => `"a${index}.b"`)}]}`)
  yield route('headers', `{"headers":{${items(4_990, (index) => `"h${index}":["a"]`)}}}`)
  const routeExpression = (shape: string, expression: string): HostileRequest =>
    route(shape, JSON.stringify({ expression }))
  yield routeExpression('predicates', `${fill('http.path ^= "/a" || ', 16_000)}http.port == 1`)
  yield routeExpression('a deep predicate', `${fill('(', 500_000)}http.port == 1`)
  const users = json('entity', 'POST', '/rbac/users')
  yield users('combining marks', `{"name":"u","password":"a${fill('\u0301\u0316', entityBytes)}"}`)
  const plugin = json('entity', 'POST', '/plugins')
  const validator = (config: object) =>
    JSON.stringify({ name: 'request-validator', config: { version: 'draft7', ...config } })
  const schemas = (count: number, schema: string) => ({
    parameter_schema: Array.from({ length: count }, () => ({ in: 'query', name: 'a', schema })),
  })
  yield plugin('a schema', validator({ body_schema: '{}' }))
  const choices = `{"oneOf":[${items(990, () => '{"type":"object"}')}]}`
  yield plugin('a schema with choices', validator({ body_schema: choices }))
  yield plugin('schemas of parameters', validator(schemas(900, '{"type":"string"}')))

  const session = json('/api/session', 'POST', '/api/session')
  yield session('a long password', `{"name":"a","password":"${fill('\u0301\u0316', 15_000)}"}`)
  const query = json('/api/analytics/query', 'POST', '/api/analytics/query')
  const filter = '{"member":"requests.status","operator":"equals","values":["1"]}'
  const measures = '"measures":["requests.count"]'
  yield query('filters', `{${measures},"filters":${listOf(filter, 250_000)}}`)
  yield query(
    'values',
    `{${measures},"filters":[${filter.replace('["1"]', listOf('"1"', 250_000))}]}`,
  )
  const subscribe = json('/api/analytics/subscribe', 'POST', '/api/analytics/subscribe')
  yield subscribe('queries', `{"queries":{${items(9_000, (index) => `"${index}":{}`)}}}`)

  const document = json('document', 'POST', '/config/validate')
  const wrap = (member: string): string => `{"_format_version":"3.0",${member}}`
  yield document('empty services', wrap(`"services":${listOf('{}', documentBytes)}`))
  const many = items(100_000, (index) => `{"name":"s${index}","host":"h"}`)
  yield document('100,000 services', wrap(`"services":[${many}]`))
  const tags = listOf('""', documentBytes)
  yield document('tags', wrap(`"services":[{"name":"a","host":"h","tags":${tags}}]`))
  yield document('a long text', wrap(`"_comment":"${fill('a', documentBytes)}"`))
  const nested = items(
    20_000,
    (index) =>
      `{"name":"s${index}","host":"h","routes":[{"name":"r${index}","paths":["/${index}"]}]}`,
  )
  const synced = json('document', 'POST', '/config/sync')
  yield {
    ...synced('20,000 services with a route each', wrap(`"services":[${nested}]`)),
    after: 3_000,
  }
  const changed = nested.replaceAll('"host":"h"', '"host":"i"')
  yield { ...synced('the same, changed', wrap(`"services":[${changed}]`)), after: 3_000 }
  yield document('members', `{${items(3_000_000, (index) => `"${index}":1`)}}`)
  const yaml = (shape: string, text: string) =>
    json('YAML', 'POST', '/config')(shape, JSON.stringify({ config: text }))
  yield yaml('a list', fill('- a\n', mebibyte))
  yield yaml('nested lists', fill('[', mebibyte / 4))
  yield yaml('aliases of aliases', aliases())

  yield* gatewayRequests()
}

const aliases = (): string =>
  ['a: &a [x,x,x,x,x,x,x,x,x]']
    .concat(
      Array.from({ length: 7 }, (_, index) => {
        const [name, inner] = ['bcdefgh'[index], 'abcdefg'[index]]
        return `${name}: &${name} [${Array(9).fill(`*${inner}`).join(',')}]`
      }),
    )
    .join('\n')

function* gatewayRequests(): Iterable<HostileRequest> {
  const head = (shape: string, path: string, headers: HostileRequest['headers'] = {}) =>
    ({ plane: 'gateway', door: 'head', shape, method: 'GET', path, headers, body: '' }) as const
  const text = 15_000
  yield head('a long path', `/${fill('ab', text)}`)
  yield head('segments that go up', `/${fill('a/../', text)}`)
  yield head('encoded slashes', `/${fill('%2F', text)}`)
  yield head('parameters', `/?${fill('a=1&', text)}`)
  yield head('a header for an expression', '/', { x: fill('ab', text) })
  yield head('cookies', '/', { cookie: fill('a=b; ', text) })
  yield head('addresses', '/', { 'x-forwarded-for': fill('1.1.1.1, ', text) })
  yield head('content types', '/', { 'content-type': fill('a;b=c;', text) })
  const body = (shape: string, sent: string, type = 'application/json') =>
    ({
      plane: 'gateway',
      door: 'request-validator',
      shape,
      method: 'POST',
      path: '/?a=1',
      headers: { 'content-type': type },
      body: sent,
    }) as const
  const bytes = 64 * kibibyte - 8
  yield body('equal items', listOf('"a"', bytes))
  yield body('different items', `[${items(9_000, (index) => `"${index}"`)}]`)
  yield body('nested lists', `${fill('[', bytes / 2)}${fill(']', bytes / 2)}`)
  yield body('a text for an expression', `["${fill('ab', bytes)}"]`)
  yield body('a form', fill('a=&', bytes), urlEncoded)
}
