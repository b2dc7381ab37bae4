import { expect, test } from 'vitest'
import { Problem } from '../../lib/problem.ts'
import { toAttemptFailure } from './upstream-failure.ts'

const withCode = (code: unknown, more: object = {}): Error =>
  Object.assign(new Error('x'), { code }, more)

test.each([
  [withCode('ENOTFOUND'), 503],
  [withCode('EAI_AGAIN'), 503],
  [withCode('ENODATA'), 503],
  [withCode('ETIMEDOUT'), 504],
  [withCode('ECONNREFUSED'), 502],
  [new Error('x', { cause: withCode('ETIMEDOUT') }), 504],
  [withCode('ECONNRESET', { cause: withCode('ETIMEDOUT') }), 502],
  [withCode(7, { cause: withCode('ETIMEDOUT') }), 504],
  [new Error('x', { cause: null }), 502],
  [new Error('x'), 502],
  [new AggregateError([withCode('ETIMEDOUT'), withCode('ENOTFOUND')]), 504],
  [Object.assign(new AggregateError([]), { code: 'ETIMEDOUT' }), 504],
])('maps %o to %d', (error, status) => {
  const failure = toAttemptFailure(error, 'connect')
  expect(failure).toMatchObject({ stage: 'connect', problem: { status } })
  expect(failure.problem.cause).toBe(error)
})

test('keeps a problem as it is', () => {
  const problem = new Problem('request.too_large', 413, 'no')
  expect(toAttemptFailure(problem, 'sent')).toMatchObject({ stage: 'sent', problem })
})
