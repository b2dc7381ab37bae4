import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toCurl } from '../../ui/src/requests/to-curl.ts'

const row = (members: Record<string, string>) =>
  Object.fromEntries(Object.entries(members).map(([name, value]) => [`requests.${name}`, value]))

test('prints the request with a placeholder for the key', () => {
  const request = {
    method: 'GET',
    scheme: 'http',
    host: 'api.test',
    path: '/orders',
    query: 'a=1&b=2',
  }
  expect(toCurl(row({ ...request, auth_method: 'key-auth' }))).toBe(
    `curl -i -X GET 'http://api.test/orders?a=1&b=2' \\\n  -H 'apikey: <your key>'`,
  )
})

test('a shell parses the arguments unchanged, whatever the path contains', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (path) => {
      fc.pre(!path.includes('\0'))
      const command = toCurl(row({ method: 'GET', host: 'h', path }))
      const args = execFileSync('sh', ['-c', `printf '%s\\0' ${command.slice(5)}`]).toString()
      expect(args.split('\0')).toEqual(['-i', '-X', 'GET', `http://h${path}`, ''])
    }),
    { numRuns: 40 },
  )
})
