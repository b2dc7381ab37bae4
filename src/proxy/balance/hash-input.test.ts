import { expect, test } from 'vitest'
import { buildExchange } from '../../../test/harness/build-target.ts'
import { linearRegex } from '../../lib/linear-regex.ts'
import { normalizePath } from '../../lib/normalize-path.ts'
import { entityNamed } from '../../entities/entities.ts'
import { HeaderList } from '../header-list.ts'
import { hashInputOf } from './hash-input.ts'

const inputOf = (words: Record<string, unknown>) =>
  hashInputOf(entityNamed('upstream').fields.parse({ name: 'u', ...words }))

const exchange = buildExchange({
  path: '/users/%61nn/../42/orders',
  query: 'tenant=t1&x=2&tenant=t3',
  headers: new HeaderList(['X-User', 'ann', 'x-user', 'bob', 'Cookie', 'a=1; seat=s7']),
})
const pattern = linearRegex(String.raw`/users/(?<id>\d+)/(\w+)`, { anchored: true })
exchange.findGroups = () => pattern.exec(normalizePath(exchange.request.path))

test.each([
  [{ hash_on: 'none' }, undefined],
  [{ hash_on: 'consumer' }, undefined],
  [{ hash_on: 'consumer', hash_fallback: 'ip' }, '198.51.100.1'],
  [{ hash_on: 'path' }, '/users/42/orders'],
  [{ hash_on: 'header', hash_on_header: 'X-User' }, 'ann,bob'],
  [{ hash_on: 'header', hash_on_header: 'X-None' }, undefined],
  [
    {
      hash_on: 'header',
      hash_on_header: 'X-None',
      hash_fallback: 'header',
      hash_fallback_header: 'X-User',
    },
    'ann,bob',
  ],
  [{ hash_on: 'cookie', hash_on_cookie: 'seat' }, 's7'],
  [{ hash_on: 'query_arg', hash_on_query_arg: 'tenant' }, 't1,t3'],
  [{ hash_on: 'uri_capture', hash_on_uri_capture: 'id' }, '42'],
  [{ hash_on: 'uri_capture', hash_on_uri_capture: '2' }, 'orders'],
  [{ hash_on: 'uri_capture', hash_on_uri_capture: 'other' }, undefined],
])('%j hashes %s', (words, expected) => {
  expect(inputOf(words)(exchange)).toBe(expected)
})

test('hashes the id of the consumer', () => {
  const known = buildExchange()
  const consumer = {
    id: 'c1',
    name: 'ann',
    username: 'ann',
    customId: null,
    groups: [],
    consumerGroups: [],
  }
  known.caller = { kind: 'consumer', method: 'key-auth', credential: 'k', consumer }
  expect(inputOf({ hash_on: 'consumer' })(known)).toBe('c1')
})

test('sets a cookie for a client without one, the same in every attempt of the exchange', () => {
  const input = inputOf({ hash_on: 'cookie', hash_on_cookie: 'seat', hash_on_cookie_path: '/x' })
  const stranger = buildExchange()
  const given = input(stranger)
  expect(given).toMatch(/^[0-9a-f-]{36}$/)
  expect(input(stranger)).toBe(given)
  expect(stranger.upstream.cookie).toBe(`seat=${given}; Path=/x; HttpOnly`)
})
