import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toCurl } from '../../ui/src/requests/to-curl.ts'

const row = (members: Record<string, string>) =>
  Object.fromEntries(Object.entries(members).map(([name, value]) => [`requests.${name}`, value]))

test('the key is a placeholder, the rest is what was asked', () => {
  const asked = {
    method: 'GET',
    scheme: 'http',
    host: 'api.test',
    path: '/orders',
    query: 'a=1&b=2',
  }
  expect(toCurl(row({ ...asked, auth_method: 'key-auth' }))).toBe(
    `curl -i -X GET 'http://api.test/orders?a=1&b=2' \\\n  -H 'apikey: <your key>'`,
  )
})

test('a shell reads back exactly the words that were meant, whatever the path holds', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (path) => {
      fc.pre(!path.includes('\0'))
      const command = toCurl(row({ method: 'GET', host: 'h', path }))
      const words = execFileSync('sh', ['-c', `printf '%s\\0' ${command.slice(5)}`]).toString()
      expect(words.split('\0')).toEqual(['-i', '-X', 'GET', `http://h${path}`, ''])
    }),
    { numRuns: 40 },
  )
})
