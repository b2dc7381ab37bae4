import { expect, test } from 'vitest'
import { route } from './route.ts'
import { violationsOf } from '../violations.ts'

function violations(fields: Record<string, unknown>): unknown {
  const parsed = route.fields.check(route.check).safeParse(fields)
  return parsed.success ? undefined : violationsOf(parsed.error)
}

const paths = ['/a']

test.each([
  { hosts: ['a.com', 'A_b.com:8000', '*.a.com', 'a.*', 'xn--p1ai', '-with-punycode-1'] },
  { paths: ['/', '/a%2Fb', '/a b', '/é', '/a/b/', '~/a/(?<id>\\d+)$', '~/(?P<x>[^/]+){1,20}'] },
  { headers: { 'x-v': ['1', '~*^v[0-9]+$'] } },
  { protocols: ['https'], snis: ['a.com', 'b.com.', '*.foo.test', 'bar.*'] },
  { protocols: ['grpc', 'grpcs'], paths: ['/pkg.Service/Method'], strip_path: false },
  { protocols: ['tcp'], sources: [{ ip: '10.0.0.0/8' }, { ip: '::1', port: 80 }, { port: 81 }] },
  { protocols: ['tls', 'tcp'], snis: ['a.com'] },
  { protocols: ['udp'], destinations: [{ port: 53 }] },
  { protocols: ['udp', 'tcp', 'tls'], snis: ['a.com'], sources: [{ ip: '10.0.0.1' }] },
  { protocols: ['tls_passthrough'], snis: ['a.com'] },
  { protocols: ['wss'], paths },
  { expression: 'http.path ^= "/a" && http.path.segments.0_1 == "a/b"', priority: 2 ** 46 - 1 },
  { protocols: ['tls_passthrough'], expression: 'tls.sni == "a.com"', regex_priority: 0 },
  { protocols: ['grpc'], expression: 'net.port == 80', strip_path: false },
  { paths, priority: 0 },
])('accepts %j', (fields) => expect(violations(fields)).toBeUndefined())

test.each([
  [
    {},
    "must set one of 'methods', 'hosts', 'headers', 'paths', 'snis', 'expression' when 'protocols' is 'https'",
  ],
  [
    { protocols: ['http'] },
    "must set one of 'methods', 'hosts', 'headers', 'paths', 'expression' when 'protocols' is 'http'",
  ],
  [
    { protocols: ['grpc'], strip_path: false },
    "must set one of 'hosts', 'headers', 'paths', 'expression' when 'protocols' is 'grpc'",
  ],
  [
    { protocols: ['udp'] },
    "must set one of 'sources', 'destinations', 'snis', 'expression' when 'protocols' is 'tcp', 'tls' or 'udp'",
  ],
  [
    { protocols: ['udp'], snis: ['a.com'] },
    "'snis' can only be set when 'protocols' is 'grpcs', 'https', 'tls', 'tls_passthrough', or 'wss'",
  ],
  [
    { protocols: ['tcp'] },
    "must set one of 'sources', 'destinations', 'snis', 'expression' when 'protocols' is 'tcp', 'tls' or 'udp'",
  ],
  [
    { protocols: ['tls_passthrough'] },
    "must set one of 'snis', 'expression' when 'protocols' is 'tls_passthrough'",
  ],
  [
    { protocols: ['http'], paths, snis: ['a.com'] },
    "'snis' can only be set when 'protocols' is 'grpcs', 'https', 'tls', 'tls_passthrough', or 'wss'",
  ],
])('refuses %j: %s', (fields, sentence) =>
  expect(violations(fields)).toEqual({ '@entity': [sentence] }),
)

test.each([
  [
    { protocols: ['http', 'tcp'], paths },
    'protocols',
    "these sets are mutually exclusive: ('http', 'https'), ('tcp', 'tls', 'udp')",
  ],
  [
    { protocols: ['http', 'udp'], paths },
    'protocols',
    "these sets are mutually exclusive: ('http', 'https'), ('tcp', 'tls', 'udp')",
  ],
  [
    { protocols: ['udp'], sources: [{ port: 1 }], methods: ['GET'] },
    'methods',
    "cannot set 'methods' when 'protocols' is 'tcp', 'tls', 'tls_passthrough' or 'udp'",
  ],
  [
    { protocols: ['grpc'], paths, strip_path: true },
    'strip_path',
    "cannot set 'strip_path' when 'protocols' is 'grpc' or 'grpcs'",
  ],
  [
    { protocols: ['grpcs'], paths, strip_path: false, methods: ['GET'] },
    'methods',
    "cannot set 'methods' when 'protocols' is 'grpc' or 'grpcs'",
  ],
  [
    { paths, sources: [{ port: 1 }] },
    'sources',
    "cannot set 'sources' when 'protocols' is 'http' or 'https'",
  ],
  [
    { protocols: ['tls_passthrough'], snis: ['a.com'], paths },
    'paths',
    "cannot set 'paths' when 'protocols' is 'tcp', 'tls', 'tls_passthrough' or 'udp'",
  ],
  [
    { paths, headers: { HOST: ['a'] } },
    'headers',
    "cannot contain 'host' header, which must be specified in the 'hosts' attribute",
  ],
])('refuses %j at %s: %s', (fields, field, sentence) =>
  expect(violations(fields)).toEqual({ [field]: sentence }),
)

test.each([
  ['hosts', '', 'length must be at least 1'],
  ['hosts', 'a-.com', 'invalid hostname: a-.com'],
  ['hosts', 'a..com', 'invalid hostname: a..com'],
  ['hosts', 'a:', 'invalid hostname: a:'],
  ['hosts', 'a:70000', 'invalid port number'],
  ['hosts', '*a.com', 'invalid wildcard: must be placed at leftmost or rightmost label'],
  ['snis', 'a.*.com', 'invalid wildcard: must be placed at leftmost or rightmost label'],
  ['hosts', '*.a.*', 'invalid wildcard: must have at most one wildcard'],
  ['paths', 'a', 'should start with: / (fixed path) or ~/ (regex path)'],
  ['paths', '~a', 'should start with: / (fixed path) or ~/ (regex path)'],
  ['paths', '/a//b', 'must not have empty segments'],
  ['paths', '/a%2x', "invalid url-encoded value: '%2x'"],
  ['paths', '/a/../b', "non-normalized path, consider use '/b' instead"],
  ['paths', '/%61', "non-normalized path, consider use '/a' instead"],
  [
    'paths',
    '/a?b',
    "invalid path: '/a?b' (characters outside of the reserved list of RFC 3986 found)",
  ],
  ['paths', '~/(a', "invalid regex: '/(a' (at character 4: unclosed ()"],
  ['paths', '~/(?!a)', "invalid regex: '/(?!a)' (at character 5: (?!…) is not supported)"],
])('%s refuses %j: %s', (field, value, sentence) =>
  expect(violations({ [field]: [value] })).toMatchObject({ [field]: { 1: sentence } }),
)

test.each<[Record<string, unknown>, string]>([
  [{ expression: 'http.path ^= /a' }, 'line 1, column 14: expected a string'],
  [{ expression: 'http.foo == "a"' }, "line 1, column 1: unknown field 'http.foo'"],
  [
    { protocols: ['tcp'], expression: 'http.path == "/"' },
    "line 1, column 1: unknown field 'http.path'",
  ],
  [
    { expression: 'http.path.segments.1_0 == "a"' },
    "line 1, column 1: unknown field 'http.path.segments.1_0'",
  ],
  [
    { expression: 'http.path == "/"', paths, methods: ['GET'] },
    "cannot set 'expression' together with 'methods', 'paths'",
  ],
  [
    { expression: 'http.path == "/"', regex_priority: 1 },
    "cannot set 'expression' together with 'regex_priority'; use 'priority'",
  ],
  [{ paths, priority: 1 }, "'priority' applies to 'expression' only, and not to 'paths'"],
])('refuses %j as Kong refuses an expression: %s', (fields, sentence) => {
  expect(violations(fields)).toEqual({
    '@entity': [expect.stringContaining(`Router Expression failed validation: ${sentence}`)],
  })
})

test.each([
  [-1, 'value should be between 0 and 70368744177663'],
  [2 ** 46, 'value should be between 0 and 70368744177663'],
])('refuses the priority %j', (priority, sentence) => {
  const expression = 'http.path == "/"'
  expect(violations({ expression, priority })).toEqual({ priority: sentence })
})
