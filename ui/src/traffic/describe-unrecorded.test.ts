import { expect, test } from 'vitest'
import { query } from '../../../src/schema/query.ts'
import { defaultRange } from '../view/time-range.ts'
import { describeUnrecorded, unrecordedQuery } from './describe-unrecorded.ts'

test('the query is valid, with and without a workspace', () => {
  for (const workspace of [undefined, 'ProductX'])
    expect(query.safeParse(unrecordedQuery({ workspace, range: defaultRange })).error).toBe(
      undefined,
    )
})

test('requests without an event are counted by how they were answered', () => {
  expect(describeUnrecorded({})).toBe(undefined)
  expect(describeUnrecorded({ 'unrecorded.shed': 0, 'unrecorded.refused': 0 })).toBe(undefined)
  expect(describeUnrecorded({ 'unrecorded.shed': 2, 'unrecorded.refused': 1 })).toBe(
    '3 requests in this time range are not in these figures, because the spool or the disk of a gateway was full: 2 served, 1 refused.',
  )
})
