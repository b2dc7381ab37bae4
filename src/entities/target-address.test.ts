import { expect, test } from 'vitest'
import { parseTarget } from './target-address.ts'

test.each([
  ['h.example', 'h.example', 8000],
  ['h.example:81', 'h.example', 81],
  ['192.0.2.1:81', '192.0.2.1', 81],
  ['::1', '[::1]', 8000],
  ['[::1]', '[::1]', 8000],
  ['[2001:db8::1]:81', '[2001:db8::1]', 81],
])('parses %s to host %s and port %d', (text, host, port) => {
  expect(parseTarget(text)).toEqual({ host, port })
})

test.each(['', 'a b', 'h:65536', 'h:x', ':80', '[::1', '[x]:80', 'http://h', '1:2:3'])(
  'refuses %j',
  (text) => {
    expect(parseTarget(text)).toBeUndefined()
  },
)
