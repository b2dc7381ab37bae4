import { expect, test } from 'vitest'
import { mayKeepAlive, requestFraming } from './framing.ts'
import { type Fields, parseFields } from './parse-fields.ts'
import { buildHead, readRequest, readResponse, timedOut } from './read-message.ts'

test('accepts 256 fields and not one more', () => {
  const fields = (count: number): string => 'x: y\r\n'.repeat(count)
  expect(parseFields(fields(256))).toMatchObject({ headers: { flat: { length: 512 } } })
  expect(parseFields(fields(257))).toBe('many')
})

test.each([
  ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\n', 'GET', true],
  ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n', 'GET', true],
  ['HTTP/1.1 204 No Content\r\n', 'GET', true],
  ['HTTP/1.1 200 OK\r\n', 'HEAD', true],
  ['HTTP/1.1 200 OK\r\n', 'GET', false],
  ['HTTP/1.1 200 OK\r\nConnection: keep-alive\r\n', 'GET', false],
  ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n', 'GET', false],
  ['HTTP/1.0 200 OK\r\nContent-Length: 2\r\n', 'GET', false],
  ['HTTP/1.0 200 OK\r\nContent-Length: 2\r\nConnection: keep-alive\r\n', 'GET', true],
])('keeps the upstream connection after %j to %s: %s', (head, method, keepAlive) => {
  expect(readResponse(`${head}\r\n`, method)?.keepAlive).toBe(keepAlive)
})

const host = 'Host: a.example\r\n'
const request = (line: string, fields = host) => readRequest(`${line}\r\n${fields}\r\n`)

test.each([
  'GET / HTTP/1.1',
  'OPTIONS * HTTP/1.1',
  'M-SEARCH /a?b=c HTTP/1.1',
  'GET http://a.example/ HTTP/1.1',
  'GET HTTPS://a.example HTTP/1.1',
])('accepts %s', (line) => {
  const [method, target] = line.split(' ')
  expect(request(line)).toMatchObject({ method, target, minor: 1, keepAlive: true })
})

test.each([
  ['GET / HTTP/1.2', 505, 'HTTP version not supported'],
  ['A / HTTP/1.2', 505, 'HTTP version not supported'],
  ['GET / HTTP/2.0', 505, 'HTTP version not supported'],
  ['GET  HTTP/1.1', 400, 'Bad request: the request line is malformed'],
  ['GET /# HTTP/1.1', 400, 'Bad request: the request line is malformed'],
  ['get / HTTP/1.1', 400, 'Bad request: the request line is malformed'],
  ['GET / http/1.1', 400, 'Bad request: the request line is malformed'],
  ['GET /a b HTTP/1.1', 400, 'Bad request: the request line is malformed'],
  ['GETT / HTTP/1.1', 400, 'Bad request: the method is unknown'],
  ['CONNECT a:1 HTTP/1.1', 405, 'CONNECT is not supported'],
  ['GET * HTTP/1.1', 400, 'Bad request: the request target is malformed'],
  ['OPTIONS *a HTTP/1.1', 400, 'Bad request: the request target is malformed'],
  ['GET http:///a HTTP/1.1', 400, 'Bad request: the request target is malformed'],
  ['GET ftp://a/b/ HTTP/1.1', 400, 'Bad request: the request target is malformed'],
])('refuses %s', (line, status, message) => {
  expect(() => request(line)).toThrow(expect.objectContaining({ status, message }))
})

test.each([
  ['', 400, 'Bad request: there must be one Host'],
  ['Host: a\r\nHost: a\r\n', 400, 'Bad request: there must be one Host'],
  ['Host: a b\r\n', 400, 'Bad request: the Host is malformed'],
  ['Host: \r\n', 400, 'Bad request: the Host is malformed'],
  ['Host: a:123456\r\n', 400, 'Bad request: the Host is malformed'],
  ['Host : a\r\n', 400, 'Bad request: a header field is malformed'],
  [`${host}${'x: y\r\n'.repeat(256)}`, 431, 'Request header fields too large'],
  [
    `${host}Content-Length: 1\r\nContent-Length: 1\r\n`,
    400,
    'Bad request: the length of the body is ambiguous',
  ],
])('refuses a request with the fields %j', (fields, status, message) => {
  expect(() => request('GET / HTTP/1.1', fields)).toThrow(
    expect.objectContaining({ status, message }),
  )
})

test('a request that comes too slowly times out with 408', () => {
  expect(timedOut()).toMatchObject({ status: 408, code: 'request.timeout' })
})

test('HTTP/1.0 needs no Host, but has one at most', () => {
  expect(request('GET / HTTP/1.0', '')).toMatchObject({ minor: 0, keepAlive: false })
  expect(() => request('GET / HTTP/1.0', 'Host: a\r\nHost: b\r\n')).toThrow('one Host')
})

const end = { address: '198.51.100.1', port: 50_000 }

const facts = {
  scheme: 'http',
  localPort: 8000,
  clientAddress: '198.51.100.1',
  tlsVersion: '',
  connection: { socket: {} as never, client: end, local: end, exchanges: 0, idleSince: 0 },
} as const
const headOf = (line: string, fields?: string) => buildHead(request(line, fields), facts)

test.each([
  ['/a?b=c?d', 'Host: A.example:81\r\n', 'a.example', 81, '/a', 'b=c?d'],
  ['/a?', host, 'a.example', 8000, '/a', ''],
  ['/', 'Host: a:\r\n', 'a', 8000, '/', ''],
  ['/', 'Host: [::1]\r\n', '[::1]', 8000, '/', ''],
  ['/', 'Host: a:1\r\n', 'a', 1, '/', ''],
  ['/?b', 'Host: a\r\n', 'a', 8000, '/', 'b'],
  ['/', 'Host: [::1]:81\r\n', '[::1]', 81, '/', ''],
  ['http://b.example:82/c?d', host, 'b.example', 82, '/c', 'd'],
  ['http://b.example?d', host, 'b.example', 8000, '/', 'd'],
  ['https://u:p@b.example', host, 'b.example', 8000, '/', ''],
])('GET %s with %j is for %s, port %d, path %s', (target, fields, name, port, path, query) => {
  expect(headOf(`GET ${target} HTTP/1.1`, fields)).toMatchObject({
    host: name,
    port,
    path,
    query,
    method: 'GET',
    clientAddress: '198.51.100.1',
  })
})

test('OPTIONS * has the path /, and HTTP/1.0 without Host the empty host', () => {
  expect(headOf('OPTIONS * HTTP/1.1')).toMatchObject({ path: '/', query: '', host: 'a.example' })
  expect(headOf('GET / HTTP/1.0', '')).toMatchObject({ host: '', port: 8000 })
})

const upgrade = 'Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n'

test.each([
  ['GET / HTTP/1.1', upgrade, 'websocket'],
  ['GET / HTTP/1.1', 'Upgrade: websocket\r\nConnection: a\r\nConnection: UPGRADE\r\n', 'websocket'],
  ['POST / HTTP/1.1', upgrade, ''],
  ['GET / HTTP/1.0', upgrade, ''],
  ['GET / HTTP/1.1', `${upgrade}Upgrade: websocket\r\n`, ''],
  ['GET / HTTP/1.1', 'Upgrade: h2c\r\nConnection: Upgrade\r\n', ''],
  ['GET / HTTP/1.1', 'Upgrade: websocket\r\nConnection: keep-alive\r\n', ''],
  ['GET / HTTP/1.1', 'Connection: Upgrade\r\n', ''],
  ['GET / HTTP/1.1', 'Upgrade: websocket\r\n', ''],
  ['GET / HTTP/1.1', `${upgrade}Content-Length: 1\r\n`, ''],
  ['GET / HTTP/1.1', `${upgrade}Content-Length: 0\r\n`, 'websocket'],
  ['GET / HTTP/1.1', `${upgrade}Transfer-Encoding: chunked\r\n`, ''],
])('%s with %j upgrades to %j', (line, fields, expected) => {
  expect(headOf(line, host + fields).upgrade).toBe(expected)
})

test.each([
  ['HTTP/1.1 200\r\n', 'GET', 'close'],
  ['HTTP/1.1 200 \r\n', 'GET', 'close'],
  ['HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n', 'GET', 'chunked'],
  ['HTTP/1.1 200 OK\r\nContent-Length: 3\r\n', 'GET', 3],
  ['HTTP/1.1 200 OK\r\nContent-Length: 0\r\n', 'GET', 0],
  ['HTTP/1.1 200 OK\r\nContent-Length: 3\r\n', 'HEAD', 0],
  ['HTTP/1.1 204 No\r\nContent-Length: 3\r\n', 'GET', 0],
  ['HTTP/1.1 304 No\r\nContent-Length: 3\r\n', 'GET', 0],
  ['HTTP/1.1 100 Continue\r\n', 'GET', 0],
  ['HTTP/1.1 199 Odd\r\n', 'GET', 0],
  ['HTTP/1.1 303 See\r\n', 'GET', 'close'],
  ['HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n', 'GET', undefined],
  ['HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n', 'GET', undefined],
  ['HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n', 'HEAD', undefined],
  [
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n',
    'GET',
    undefined,
  ],
  ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n', 'GET', undefined],
  ['HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n', 'GET', undefined],
  ['HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n', 'HEAD', undefined],
  ['HTTP/1.1 200 OK\r\nContent-Length: 1234567890123456\r\n', 'GET', undefined],
  ['HTTP/1.1 600 Odd\r\n', 'GET', undefined],
  ['HTTP/2.0 200 OK\r\n', 'GET', undefined],
  ['HTTP/1.1 200 OK\r\na b: c\r\n', 'GET', undefined],
  [`HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(257)}`, 'GET', undefined],
])('the body of the response %j to %s ends by %s', (head, method, expected) => {
  const message = readResponse(`${head}\r\n`, method)
  const framing = message?.framing
  expect(framing?.kind === 'length' ? framing.length : framing?.kind).toBe(expected)
  expect(message?.status).toBe(expected === undefined ? undefined : Number(head.slice(9, 12)))
})

test.each([
  ['', 1, 0],
  ['Content-Length: 3\r\n', 1, 3],
  ['Content-Length: 0\r\n', 1, 0],
  ['Transfer-Encoding: CHUNKED\r\n', 1, 'chunked'],
  ['Transfer-Encoding: chunked\r\n', 0, undefined],
  ['Transfer-Encoding: identity\r\n', 1, undefined],
  ['Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n', 1, undefined],
  ['Transfer-Encoding: chunked\r\nContent-Length: 3\r\n', 1, undefined],
  ['Content-Length: 3\r\nContent-Length: 3\r\n', 1, undefined],
  ['Content-Length: 3, 3\r\n', 1, undefined],
  ['Content-Length: +3\r\n', 1, undefined],
  ['Content-Length: \r\n', 1, undefined],
])('the body of a request with %j over HTTP/1.%d ends by %s', (fields, minor, expected) => {
  const framing = requestFraming(parseFields(fields) as Fields, minor)
  expect(framing?.kind === 'length' ? framing.length : framing?.kind).toBe(expected)
})

test.each([
  ['', 1, true],
  ['', 0, false],
  ['Keep-Alive', 0, true],
  ['keep-alive', 1, true],
  ['close', 1, false],
  ['a, CLOSE', 1, false],
  ['a, b', 1, true],
  ['a, keep-alive', 0, true],
  ['keep-alive, close', 0, false],
  ['keep-alive, close', 1, false],
  ['a', 0, false],
])('Connection: %s over HTTP/1.%d keeps the connection: %s', (value, minor, expected) => {
  const fields = parseFields(value === '' ? '' : `Connection: ${value}\r\n`)
  expect(mayKeepAlive(fields as Fields, minor)).toBe(expected)
})

test('collects the fields that determine framing, in any letter case, without blanks around values', () => {
  const text = [
    'HOST: \t a \t',
    'Content-Length:1 ',
    'transfer-encoding: x',
    'CONNECTION: y',
    'Upgrade: z',
    'Expect: 100',
    'Other:',
    'host: b',
    'Blank: \t ',
    'Keep: a b',
  ]
  expect(parseFields(`${text.join('\r\n')}\r\n`)).toMatchObject({
    host: ['a', 'b'],
    contentLength: ['1'],
    transferEncoding: ['x'],
    connection: ['y'],
    upgrade: ['z'],
    expect: ['100'],
    headers: { flat: expect.arrayContaining(['Other', '', 'Blank', '', 'Keep', 'a b']) },
  })
  const twice = (name: string): string => `${name}: 1\r\n${name}: 2\r\n`
  const names = ['Content-Length', 'Transfer-Encoding', 'Connection', 'Upgrade', 'Expect']
  expect(parseFields(names.map(twice).join(''))).toMatchObject({
    contentLength: ['1', '2'],
    transferEncoding: ['1', '2'],
    connection: ['1', '2'],
    upgrade: ['1', '2'],
    expect: ['1', '2'],
  })
})

test.each(['a : b\r\n', ': b\r\n', 'a: b\n', 'a: b\rc\r\n', 'a: \0\r\n', 'a\r\n', ' a: b\r\n'])(
  'rejects the field line %j',
  (text) => expect(parseFields(text)).toBeUndefined(),
)

test('a no-break space belongs to the value', () => {
  expect(parseFields('Transfer-Encoding: \xa0chunked\r\n')).toMatchObject({
    transferEncoding: ['\xa0chunked'],
  })
})
