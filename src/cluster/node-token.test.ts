import { expect, test } from 'vitest'
import { makeNodeToken, readNodeToken } from './node-token.ts'

const claims = { node: 'n', worker: 3, zone: 'z', environment: 'e' }
const token = makeNodeToken(claims, 'join')
const [payload = '', signature = ''] = token.split('.')

test('a token returns the claims that it was made for', () => {
  expect(readNodeToken(token, 'join')).toEqual(claims)
})

test.each([
  ['signed with another secret', makeNodeToken(claims, 'other')],
  [
    'with other claims',
    `${makeNodeToken({ ...claims, worker: 4 }, 'join').split('.')[0]}.${signature}`,
  ],
  ['with a shorter signature', `${payload}.${signature.slice(0, -4)}`],
  ['without a signature', payload],
  ['without claims', `.${signature}`],
  ['of nothing', ''],
])('rejects a token %s', (_, text) => {
  expect(readNodeToken(text, 'join')).toBe(undefined)
})
