import { expect, test } from 'vitest'
import { query } from '../../../src/schema/query.ts'
import { defaultRange, parseTimeRange } from '../view/time-range.ts'
import { boards } from './boards.ts'
import { exportQuery, overviewQueries, type Scope } from './overview-queries.ts'

const scopes: [string, Scope][] = [
  ['without filters', { workspace: undefined, range: defaultRange, filters: [] }],
  [
    'with a workspace, a fixed range and filters',
    {
      workspace: 'ProductX',
      range: parseTimeRange('2026-11-20T10:00:00Z~2026-11-20T10:30:00Z') ?? defaultRange,
      filters: [
        { member: 'route', value: 'orders', exclude: false },
        { member: 'route', value: '', exclude: false },
        { member: 'consumer', value: 'alice', exclude: true },
      ],
    },
  ],
]

test.each(scopes)('every query is valid: %s', (_, scope) => {
  for (const sent of [...Object.values(overviewQueries(scope, boards)), exportQuery(scope)])
    expect(query.safeParse(sent).error).toBeUndefined()
})

test('a leaderboard ignores filters on its own dimension', () => {
  const scope = scopes[1]?.[1] as Scope
  const queries = overviewQueries(scope, boards)
  expect(JSON.stringify(queries['board.route']?.filters)).not.toContain('requests.route')
  expect(JSON.stringify(queries['board.service']?.filters)).toContain('requests.route')
})
