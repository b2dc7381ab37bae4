import fc from 'fast-check'
import { expect, test } from 'vitest'
import { escapePath, normalizePath, normalizePattern } from './normalize-path.ts'

test.each([
  ['/a/./b', '/a/b'],
  ['/a/../b', '/b'],
  ['/../../b', '/b'],
  ['//a///b', '/a/b'],
  ['/%41%2d%2Fx', '/A-%2Fx'],
  ['/a/%2e%2e/b', '/b'],
  ['/a%20b%0a%25', '/a b%0A%25'],
  ['/caf%c3%a9', '/café'],
  ['/caf\u00c3\u00a9', '/café'],
  ['/%e9%F0%9f%98%80', '/%E9%F0%9F%98%80'],
  ['/%F0%9f%98%80', '/😀'],
  ['/a%zz%4', '/a%zz%4'],
  ['/a/', '/a/'],
  ['/a/..', '/'],
  ['/', '/'],
  ['*', '*'],
])('%s is normalized to %s', (given, normal) => expect(normalizePath(given)).toBe(normal))

const wild = fc.string({
  unit: fc.constantFrom(
    '/',
    '.',
    '%2e',
    '%2E',
    '%2F',
    'a',
    '%61',
    '%25',
    '%c3%A9',
    '%ff',
    '%0d',
    '"',
  ),
})

test('normalization is idempotent and leaves no alternative spelling', () => {
  fc.assert(
    fc.property(wild, (tail) => {
      const once = normalizePath(`/${tail}`)
      expect(normalizePattern(once)).toBe(once)
      expect(once).not.toMatch(/\/\/|\/\.\.?(\/|$)|%61|%2e/i)
    }),
  )
})

test('an escaped path is valid in a request and normalizes to the same path', () => {
  fc.assert(
    fc.property(wild, (tail) => {
      const normal = normalizePath(`/${tail}`)
      const escaped = escapePath(normal)
      expect(escaped).toMatch(/^[!#$%&'()*+,/:;=?@[\]\w.~-]+$/)
      expect(normalizePath(escaped)).toBe(normal)
    }),
  )
})

test('a raw byte and its percent-encoding normalize to the same path', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 12 }), (bytes) => {
      const raw = Buffer.from(bytes.filter((byte) => byte > 0x7f)).toString('latin1')
      const encoded = raw.replace(/./g, (one) => `%${one.charCodeAt(0).toString(16)}`)
      expect(normalizePath(`/${raw}`)).toBe(normalizePath(`/${encoded}`))
    }),
  )
})
