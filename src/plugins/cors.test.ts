import { expect, test } from 'vitest'
import { HeaderList } from '../proxy/header-list.ts'
import { complaintOf, exchangeWith, usePlugin } from '../../test/harness/use-plugin.ts'
import { cors } from './cors.ts'

/** The headers of a response of the service to a request from an origin. */
function headersFor(config: object, origin?: string, service: string[] = []) {
  const exchange = exchangeWith({}, origin === undefined ? [] : [['Origin', origin]])
  exchange.serviceHeaders = new HeaderList(service)
  const plugin = usePlugin(cors, config)
  expect(plugin.onRequest(exchange)).toBeUndefined()
  plugin.onResponse(exchange)
  const all = new HeaderList([...exchange.serviceHeaders.flat, ...exchange.answerHeaders.flat])
  return {
    origin: all.all('access-control-allow-origin').join(),
    credentials: all.all('access-control-allow-credentials').join(),
    vary: all.all('vary').join(),
    exposed: all.all('access-control-expose-headers').join(),
  }
}

const preflight = (config: object, more: [string, string][] = []) => {
  const exchange = exchangeWith({ method: 'OPTIONS' }, [
    ['Origin', 'https://a.example'],
    ['Access-Control-Request-Method', 'PUT'],
    ...more,
  ])
  const plugin = usePlugin(cors, config)
  const answer = plugin.onRequest(exchange)
  const before = [...exchange.answerHeaders.flat]
  plugin.onResponse(exchange)
  expect(exchange.answerHeaders.flat).toEqual(before)
  const { flat } = exchange.answerHeaders
  const headers = flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1]]] : []))
  return { answer, headers: Object.fromEntries(headers) as Record<string, string> }
}

test('allows all origins unless some are configured', () => {
  expect(headersFor({}, 'https://a.example')).toMatchObject({ origin: '*', vary: '' })
  expect(headersFor({ origins: ['*'] })).toMatchObject({ origin: '*', vary: '' })
  expect(headersFor({ allow_origin_absent: false })).toMatchObject({ origin: '', vary: '' })
  expect(headersFor({ credentials: true }, 'https://a.example')).toMatchObject({
    origin: 'https://a.example',
    credentials: 'true',
    vary: 'Origin',
  })
})

test('allows origins by name, by expression and by host, without their default port', () => {
  const origins = ['https://a.example', '^https://[a-z]+\\.shop\\.example$', '(one|two)\\.example']
  const allowed = [
    'https://a.example',
    'https://a.example:443',
    'https://eu.shop.example',
    'http://one.example:8080',
  ]
  const answered = allowed.map((origin) => headersFor({ origins }, origin).origin)
  expect(answered).toEqual([
    'https://a.example',
    'https://a.example',
    'https://eu.shop.example',
    'http://one.example:8080',
  ])
})

test('an expression may end with an escaped dollar sign', () => {
  const origins = ['app://local\\$']
  expect(headersFor({ origins }, 'app://local$').origin).toBe('app://local$')
  expect(headersFor({ origins }, 'app://local').origin).toBe('')
})

test('allows no other origin', () => {
  const origins = ['https://a.example', 'https://b\\.example|https://c\\.example', 'd\\.example$']
  for (const origin of [
    'http://a.example',
    'https://a.example.evil.example',
    'https://a.example:444',
    'https://b.example.evil.example',
    'https://evil.example/https://c.example',
    'https://evild.example.x',
    'https://evil.example#d.example',
    'https://evil.example@d.example',
    'null',
    'https://',
    '*',
  ])
    expect({ asked: origin, ...headersFor({ origins, credentials: true }, origin) }).toMatchObject({
      asked: origin,
      origin: '',
      vary: 'Origin',
    })
})

test('replaces the CORS headers of the service, and extends its Vary', () => {
  const service = ['Access-Control-Allow-Origin', 'https://other.example', 'Vary', 'Accept']
  const config = {
    origins: ['https://a.example', 'https://b.example'],
    exposed_headers: ['X', 'Y'],
  }
  expect(headersFor(config, 'https://b.example', service)).toMatchObject({
    origin: 'https://b.example',
    vary: 'Accept,Origin',
    exposed: 'X,Y',
  })
  expect(headersFor(config, 'https://c.example', service).origin).toBe('')
})

test('answers preflight requests', () => {
  const { answer, headers } = preflight({ max_age: 60, private_network: true }, [
    ['Access-Control-Request-Headers', 'x-a'],
    ['Access-Control-Request-Private-Network', 'true'],
  ])
  expect(answer).toEqual({ status: 200, body: '' })
  expect(headers).toEqual({
    'Access-Control-Allow-Origin': '*',
    'Access-Control-Allow-Headers': 'x-a',
    'Access-Control-Allow-Methods': 'GET,HEAD,PUT,PATCH,POST,DELETE,OPTIONS,TRACE,CONNECT',
    'Access-Control-Max-Age': '60',
    'Access-Control-Allow-Private-Network': 'true',
  })
  const chosen = preflight({ methods: ['GET'], headers: ['A', 'B'] }).headers
  expect(chosen).toMatchObject({
    'Access-Control-Allow-Headers': 'A,B',
    'Access-Control-Allow-Methods': 'GET',
  })
})

test('forwards preflight requests to the service if configured', () => {
  const { answer, headers } = preflight({ preflight_continue: true })
  expect([answer, headers]).toEqual([undefined, {}])
})

test('refuses invalid expressions and methods', () => {
  expect(complaintOf(cors, { origins: ['('] })).toBe(`origins.0: '(' is not a valid regex`)
  expect(complaintOf(cors, { methods: ['get'] })).toContain('methods.0')
  expect(complaintOf(cors, { max_age: 'soon' })).toContain('max_age')
})
