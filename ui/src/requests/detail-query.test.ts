import { expect, test } from 'vitest'
import { query } from '../../../src/schema/query.ts'
import { detailQuery } from './detail-query.ts'

test('a UUIDv7 narrows the search to its time', () => {
  const time = Date.parse('2026-11-20T12:00:00Z')
  const hex = time.toString(16).padStart(12, '0')
  const detail = detailQuery(`${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`)
  expect(detail.timeDimensions?.[0]?.dateRange).toEqual([
    '2026-11-20T11:50:00.000Z',
    '2026-11-20T12:10:00.000Z',
  ])
  expect(query.safeParse(detail).success).toBe(true)
})

test.each(['', 'x', '2f1c2b1e-0000-4000-8000-000000000000'])(
  '%j is searched without a time range',
  (id) => {
    expect(detailQuery(id).timeDimensions).toEqual([])
  },
)
