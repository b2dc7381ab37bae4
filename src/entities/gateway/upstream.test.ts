import { expect, test } from 'vitest'
import { upstream } from './upstream.ts'
import { violationsOf } from '../violations.ts'

const whole = upstream.fields.check(upstream.check)

/** The violations of a body, as Kong answers them. */
function complaints(body: Record<string, unknown>): unknown {
  const parsed = whole.safeParse({ name: 'pool.internal', ...body })
  return parsed.success ? {} : violationsOf(parsed.error)
}

const failed = (field: string): string =>
  `failed conditional validation given value of field '${field}'`

test('fills in the defaults of Kong when only a name is given', () => {
  expect(whole.parse({ name: 'pool.internal' })).toEqual({
    name: 'pool.internal',
    algorithm: 'round-robin',
    hash_on: 'none',
    hash_fallback: 'none',
    hash_on_header: null,
    hash_fallback_header: null,
    hash_on_cookie: null,
    hash_on_cookie_path: '/',
    hash_on_query_arg: null,
    hash_fallback_query_arg: null,
    hash_on_uri_capture: null,
    hash_fallback_uri_capture: null,
    sticky_sessions_cookie: null,
    sticky_sessions_cookie_path: '/',
    slots: 10_000,
    host_header: null,
    client_certificate: null,
    use_srv_name: false,
    tags: null,
    healthchecks: {
      threshold: 0,
      active: {
        type: 'http',
        timeout: 1,
        concurrency: 10,
        http_path: '/',
        https_sni: null,
        https_verify_certificate: true,
        headers: null,
        healthy: { interval: 0, http_statuses: [200, 302], successes: 0 },
        unhealthy: {
          interval: 0,
          http_statuses: [429, 404, 500, 501, 502, 503, 504, 505],
          tcp_failures: 0,
          timeouts: 0,
          http_failures: 0,
        },
      },
      passive: {
        type: 'http',
        healthy: {
          http_statuses: [
            200, 201, 202, 203, 204, 205, 206, 207, 208, 226, 300, 301, 302, 303, 304, 305, 306,
            307, 308,
          ],
          successes: 0,
        },
        unhealthy: {
          http_statuses: [429, 500, 503],
          tcp_failures: 0,
          timeouts: 0,
          http_failures: 0,
        },
      },
    },
  })
})

test('fills the defaults of absent members of a record', () => {
  const { healthchecks } = whole.parse({
    name: 'p',
    healthchecks: { active: { healthy: { interval: 0.5 } } },
  })
  expect(healthchecks).toMatchObject({
    threshold: 0,
    active: { timeout: 1, healthy: { interval: 0.5, http_statuses: [200, 302] } },
    passive: { unhealthy: { http_statuses: [429, 500, 503] } },
  })
})

test.each([
  [{ name: '10.0.0.1' }, { name: `Invalid name ('10.0.0.1'); no ip addresses allowed` }],
  [{ name: '::1' }, { name: `Invalid name ('::1'); no ip addresses allowed` }],
  [{ name: 'pool:80' }, { name: `Invalid name ('pool:80'); no port allowed` }],
  [{ name: '[bad' }, { name: `Invalid name ('[bad'); must be a valid hostname` }],
  [{ slots: 9 }, { slots: 'value should be between 10 and 65536' }],
  [
    { algorithm: 'fair' },
    {
      algorithm:
        'expected one of: round-robin, least-connections, latency, consistent-hashing, sticky-sessions',
    },
  ],
  [
    { hash_on: 'header' },
    { '@entity': [failed('hash_on')], hash_on_header: 'required field missing' },
  ],
  [
    { hash_on: 'cookie' },
    { '@entity': [failed('hash_on')], hash_on_cookie: 'required field missing' },
  ],
  [
    { hash_on: 'ip', hash_fallback: 'cookie' },
    { '@entity': [failed('hash_fallback')], hash_on_cookie: 'required field missing' },
  ],
  [
    { hash_on: 'none', hash_fallback: 'ip' },
    { '@entity': [failed('hash_on')], hash_fallback: 'expected one of: none' },
  ],
  [
    { hash_on: 'cookie', hash_on_cookie: 'c', hash_fallback: 'ip' },
    { '@entity': [failed('hash_on')], hash_fallback: 'expected one of: none' },
  ],
  [
    { hash_on: 'ip', hash_fallback: 'ip' },
    {
      '@entity': [failed('hash_on')],
      hash_fallback:
        'expected one of: none, consumer, header, cookie, path, query_arg, uri_capture',
    },
  ],
  [
    { hash_on: 'header', hash_on_header: 'A', hash_fallback: 'header', hash_fallback_header: 'A' },
    {
      '@entity': [
        `values of these fields must be distinct: 'hash_on_header', 'hash_fallback_header'`,
      ],
    },
  ],
  [
    { hash_on: 'header', hash_on_header: 'a b' },
    {
      hash_on_header: "bad header name 'a b', allowed characters are A-Z, a-z, 0-9, '_', and '-'",
    },
  ],
  [
    { algorithm: 'sticky-sessions' },
    { '@entity': [failed('algorithm')], sticky_sessions_cookie: 'required field missing' },
  ],
  [{ hash_on_cookie_path: 'x' }, { hash_on_cookie_path: 'should start with: /' }],
  [
    { healthchecks: { threshold: 101, active: { timeout: -1, healthy: { successes: 256 } } } },
    {
      healthchecks: {
        threshold: 'value should be between 0 and 100',
        active: {
          timeout: 'value should be between 0 and 65535',
          healthy: { successes: 'value should be between 0 and 255' },
        },
      },
    },
  ],
  [
    {
      healthchecks: {
        active: { type: 'icmp', paths: [] },
        passive: { healthy: { http_statuses: [99] } },
      },
    },
    {
      healthchecks: {
        active: { type: 'expected one of: tcp, http, https, grpc, grpcs', paths: 'unknown field' },
        passive: { healthy: { http_statuses: { 1: 'value should be between 100 and 999' } } },
      },
    },
  ],
  [{ host_header: 'api.example:8080' }, {}],
  [{ host_header: 'not a host' }, { host_header: 'invalid value: not a host' }],
])('validates %j to %j', (body, expected) => {
  expect(complaints(body)).toEqual(expected)
})
