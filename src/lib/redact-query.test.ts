import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hideSecrets, redactPath, redactQuery } from './redact-query.ts'

const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl'

test.each([
  'jwt=SECRET',
  'x-api-key=SECRET',
  'X-API-Key=SECRET',
  'apikey[]=SECRET',
  'apikey%5B0%5D=SECRET',
  'user[password]=SECRET',
  'api%255fkey=SECRET',
  'a=1%26apikey=SECRET',
  'a=1%2526apikey%253DSECRET',
  'a=1;apikey=SECRET',
  'next=https%3A%2F%2Fa.example%2Fcb%3Ftoken%3DSECRET',
  'next=/cb#access_token=SECRET',
  'q={"password":"SECRET"}',
  'q=%7B%22apiKey%22%3A%20%22SECRET%22%7D',
  'a=1&%61pikey=SECRET&b=2',
  'sessionid=SECRET',
  'apikey=%ff%5c=SECRET',
  'mine=SECRET',
  'Mine[]=SECRET',
])('redacts the secret in %s', (query) => {
  expect(redactQuery(query, ['mine'])).not.toContain('SECRET')
})

test.each([
  'page=2&sort=name',
  'q=keyboard',
  'monkey=1',
  'at=10:30',
  'url=https%3A%2F%2Fa.example%2Fb%3Fpage%3D2',
  '',
  'flag',
])('leaves %j as it is', (query) => {
  expect(redactQuery(query)).toBe(query)
})

test('redacts JSON Web Tokens and parameters of segments under any name', () => {
  expect(redactQuery(`a=${jwt}&b=1`)).toBe('a=REDACTED&b=1')
  expect(redactPath(`/reset/${jwt}/now`)).toBe('/reset/REDACTED/now')
  expect(redactPath('/a;token=SECRET/b%3Bapikey%3DSECRET;c=1')).toBe('/REDACTED/REDACTED')
  for (const path of ['/a/b', '/a;v=1/b', '/keys/eyes']) expect(redactPath(path)).toBe(path)
})

test('a known secret is in no text, in any encoding', () => {
  const secret = fc
    .string({ minLength: 6, maxLength: 20 })
    .filter((text) => text.trim() === text && text.isWellFormed())
  const encodings = fc.constantFrom<(text: string) => string>(
    (text) => text,
    encodeURIComponent,
    (text) => encodeURIComponent(encodeURIComponent(text)),
    (text) =>
      [...Buffer.from(text)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
  )
  const rest = fc.constantFrom('', '/', 'a=', '%20', '&b=1', '%zz')
  fc.assert(
    fc.property(secret, encodings, rest, rest, (text, encode, before, after) => {
      const sent = `${before}${encode(text)}${after}`
      const shown = hideSecrets(sent, [text])
      expect(shown).not.toContain(encode(text))
    }),
  )
})

/** Spellings of a parameter besides the plain one. */
const forms: readonly ((name: string, secret: string) => string)[] = [
  (name, secret) => `${name}=${secret}`,
  (name, secret) => `${name}[]=${secret}`,
  (name, secret) => `${name}%5B0%5D=${secret}`,
  (name, secret) => `user[${name}]=${secret}`,
  (name, secret) => `${name.toUpperCase()}=${secret}`,
  (name, secret) => `a=1%26${name}%3D${secret}`,
  (name, secret) => `a=1%2526${name}%253D${secret}`,
  (name, secret) => `a=1;${name}=${secret}`,
  (name, secret) => `a=1&${name}=${secret}&b=2`,
  (name, secret) => `next=${encodeURIComponent(`https://h/cb?x=1&${name}=${secret}`)}`,
  (name, secret) => `next=/cb%23${name}=${secret}`,
  (name, secret) => `q=${encodeURIComponent(JSON.stringify({ a: { [name]: secret } }))}`,
  (name, secret) => `q={"${name}": "${secret}"}`,
  (name, secret) => `q=${encodeURIComponent(encodeURIComponent(`${name}=${secret}`))}`,
]

/** Percent-encodes some letters, which changes nothing for a server. */
const encodeSome = (text: string, which: readonly boolean[]): string =>
  Array.from(text)
    .map((letter, at) =>
      which[at % which.length] === true
        ? `%${letter.charCodeAt(0).toString(16).padStart(2, '0')}`
        : letter,
    )
    .join('')

test('a credential is in no query and no path, in any spelling of its parameter', () => {
  const name = fc.constantFrom('apikey', 'api_key', 'X-API-Key', 'access_token', 'password', 'sig')
  const secret = fc.stringMatching(/^[a-zA-Z0-9]{8,20}$/).map((text) => `S${text}`)
  const which = fc.array(fc.boolean(), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(name, secret, which, fc.constantFrom(...forms), (plain, text, encoded, form) => {
      const sent = form(encodeSome(plain, encoded), text)
      expect(redactQuery(sent)).not.toContain(text)
      const segment = `/a/b;${sent.replaceAll('/', '%2F')}/c`
      expect(redactPath(segment)).not.toContain(text)
    }),
    { numRuns: 500 },
  )
})
