import { expect, test } from 'vitest'
import { expandRoute } from './expand-route.ts'

test.each([
  [{ protocols: ['grpc'] }, { protocols: ['grpc'], strip_path: false }],
  [{ protocols: ['grpc', 'grpcs'], strip_path: true }, { strip_path: true }],
  [{ protocols: ['http'] }, { protocols: ['http'] }],
  [{ protocols: 'grpc' }, { protocols: 'grpc' }],
  [{}, {}],
])('%j becomes %j', (given, expected) => expect(expandRoute(given)).toMatchObject(expected))

test('a route of other protocols is left as it is', () => {
  const body = { protocols: ['http', 'https'] }
  expect(expandRoute(body)).toBe(body)
})
