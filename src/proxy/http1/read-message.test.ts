import { expect, test } from 'vitest'
import { parseFields } from './parse-fields.ts'
import { readResponse } from './read-message.ts'

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
