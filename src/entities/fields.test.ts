import { expect, test } from 'vitest'
import { isHost } from './fields.ts'

test.each([
  'h',
  'h.example.',
  '-dash.example',
  'under_score',
  '_sip._tcp.example',
  `${'a'.repeat(64)}.example`,
  'a.'.repeat(200),
  '127.0.0.1',
  '::1',
  '[2001:db8::1]',
  'xn--bcher-kva.example',
])('accepts %s as a host, as Kong does', (host) => {
  expect(isHost(host)).toBe(true)
})

test.each([
  '',
  'a b',
  'dash-',
  'dash-.example',
  'a..b',
  '.a',
  '.',
  'h:80',
  '999.0.0.1',
  '1.2.3',
  '1.2.3.4.',
  'ä.example',
  'http://h',
  ':::',
])('refuses %j as a host, as Kong does', (host) => {
  expect(isHost(host)).toBe(false)
})
