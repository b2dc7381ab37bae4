import { expect, test } from 'vitest'
import { complaintOf } from '../../test/harness/use-plugin.ts'
import { openidConnect } from './openid-connect.ts'

const base = {
  issuer: 'https://sso.example.com',
  session_secret: 'a-secret-for-the-cookies-of-sessions',
}
const complaint = (config: object) => complaintOf(openidConnect, { ...base, ...config })

test('accepts sessions in cookies and in Redis', () => {
  const accepted = [
    {},
    { session_storage: 'cookie', redis: null },
    { session_storage: 'redis', redis: {} },
    { session_storage: 'redis', redis: { host: 'redis.example.com', port: 6380, prefix: 'weir:' } },
    { session_storage: 'redis', redis: { sentinel_master: 'm', sentinel_nodes: [{ host: 'a' }] } },
    { session_storage: 'redis', redis: { cluster_nodes: [{ ip: '10.0.0.1', port: 7000 }] } },
    { session_idling_timeout: 0, session_rolling_timeout: 0, session_absolute_timeout: 0 },
    { refresh_token_param_name: 'X-Refresh', refresh_token_param_type: ['header'] },
    { downstream_refresh_token_header: 'X-Refresh', upstream_refresh_token_header: null },
    { logout_revoke: true, revocation_endpoint: 'https://sso.example.com/revoke' },
  ]
  for (const config of accepted) expect([config, complaint(config)]).toEqual([config, undefined])
})

test('refuses wrong and hostile settings of sessions, and says where', () => {
  const refused: readonly (readonly [object, string])[] = [
    [{ session_storage: 'redis' }, 'redis: is required by session_storage redis'],
    [{ session_storage: 'memcached' }, 'session_storage: expected cookie or redis'],
    [{ session_storage: 'disk' }, 'session_storage: '],
    [{ redis: { host: 'a b' } }, 'redis.host: '],
    [{ redis: { port: 65_536 } }, 'redis.port: '],
    [{ redis: { socket: '/run/redis' } }, 'redis.socket: Unix sockets are not supported'],
    [{ redis: { cluster_addresses: ['http://a'] } }, 'redis.cluster_addresses.0: '],
    [{ redis: { constructor: 1 } }, 'redis: '],
    [{ session_idling_timeout: -1 }, 'session_idling_timeout: '],
    [{ session_absolute_timeout: 'NaN' }, 'session_absolute_timeout: '],
    [{ session_cookie_name: 'a;b' }, 'session_cookie_name: expected a cookie name'],
    [{ session_cookie_path: '/\r\nSet-Cookie: a' }, 'session_cookie_path: '],
    [{ session_secret: 'short' }, 'session_secret: '],
    [{ logout_revoke: 1 }, 'logout_revoke: '],
    [{ revocation_endpoint: 'javascript:alert(1)' }, 'revocation_endpoint: expected an http'],
    [{ refresh_tokens: 'yes' }, 'refresh_tokens: '],
    [{ refresh_token_param_name: 'a: b' }, 'refresh_token_param_name: expected a header name'],
    [{ refresh_token_param_type: ['cookie'] }, 'refresh_token_param_type.0: '],
    [{ downstream_refresh_token_header: 'a\r\n' }, 'downstream_refresh_token_header: '],
  ]
  for (const [config, expected] of refused)
    expect([config, complaint(config)]).toEqual([config, expect.stringContaining(expected)])
})

test('accepts proof of possession for the methods that have it', () => {
  const bound = { auth_methods: ['bearer', 'introspection'] }
  const accepted = [
    { ...bound, proof_of_possession_dpop: 'strict', dpop_use_nonce: true, dpop_proof_lifetime: 60 },
    { ...bound, proof_of_possession_mtls: 'optional' },
    { auth_methods: ['session', 'bearer'], proof_of_possession_dpop: 'optional' },
    { proof_of_possession_dpop: 'off' },
    { proof_of_possession_dpop: 'strict', proof_of_possession_auth_methods_validation: false },
  ]
  for (const config of accepted) expect([config, complaint(config)]).toEqual([config, undefined])
  const refused: readonly (readonly [object, string])[] = [
    [
      { auth_methods: ['bearer', 'password'], proof_of_possession_dpop: 'strict' },
      'auth_methods: have no proof of possession: password',
    ],
    [{ ...bound, proof_of_possession_dpop: 'on' }, 'proof_of_possession_dpop: '],
    [{ ...bound, proof_of_possession_mtls: true }, 'proof_of_possession_mtls: '],
    [{ dpop_proof_lifetime: 0 }, 'dpop_proof_lifetime: '],
    [{ dpop_proof_lifetime: 1e9 }, 'dpop_proof_lifetime: '],
    [{ dpop_use_nonce: 'yes' }, 'dpop_use_nonce: '],
    [{ consumer_groups_claim: [''] }, 'consumer_groups_claim.0: '],
    [{ consumer_groups_optional: null }, 'consumer_groups_optional: '],
  ]
  for (const [config, expected] of refused)
    expect([config, complaint(config)]).toEqual([config, expect.stringContaining(expected)])
})

test('checks token_exchange', () => {
  const exchange = (more: object, config: object = {}) =>
    complaint({
      auth_methods: ['bearer'],
      ...config,
      token_exchange: { subject_token_issuers: [{ issuer: 'https://a.example' }], ...more },
    })
  const condition = (conditions: object) =>
    exchange({ subject_token_issuers: [{ issuer: 'https://a.example', conditions }] })
  expect(exchange({})).toBeUndefined()
  expect(exchange({ cache: { enabled: true, ttl: 5 }, request: { scopes: ['a'] } })).toBeUndefined()
  expect(condition({ has_audience: ['a'], missing_scopes: ['b'] })).toBeUndefined()
  expect(condition({ has_audiences: ['a'] })).toContain('token_exchange.subject_token_issuers.0')
  expect(exchange({ subject_token_issuers: [] })).toContain('token_exchange.subject_token_issuers')
  expect(exchange({ subject_token_issuers: [{ issuer: 'file:///etc' }] })).toContain('http')
  expect(exchange({ request: { audience: [1] } })).toContain('token_exchange.request.audience.0')
  expect(exchange({ cache: { ttl: -1 } })).toContain('token_exchange.cache.ttl')
  expect(exchange({ __proto__x: 1 })).toContain('token_exchange: ')
  expect(exchange({}, { proof_of_possession_dpop: 'optional' })).toContain('token_exchange: is not')
})

test('accepts several clients, with a secret for each', () => {
  const two = { client_id: ['a', 'b'] }
  expect(complaint({ ...two, client_secret: ['x', 'y'], client_arg: 'app' })).toBeUndefined()
  expect(complaint({ ...two, client_auth: ['none'] })).toBeUndefined()
  expect(complaint({ ...two, redirect_uri: ['https://a.example/cb'] })).toBeUndefined()
  expect(complaint({ ...two, client_secret: ['x'] })).toContain('client_secret: must have as many')
  expect(complaint({ client_id: [] })).toContain('client_id: ')
  expect(complaint({ client_id: Array.from({ length: 17 }, String) })).toContain('client_id: ')
  expect(complaint({ ...two, client_arg: 'a=b&c' })).toContain('client_arg: ')
})
