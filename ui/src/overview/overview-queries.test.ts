import { expect, test } from 'vitest'
import { query } from '../../../src/schema/query.ts'
import { defaultRange, parseTimeRange } from '../view/time-range.ts'
import { boards } from './boards.ts'
import { exportQuery, overviewQueries, type Scope } from './overview-queries.ts'

const scopes: [string, Scope][] = [
  ['as it opens', { workspace: undefined, range: defaultRange, filters: [] }],
  [
    'narrowed in every way',
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

test.each(scopes)('every question of the overview %s is in the query format', (_, scope) => {
  for (const question of [...Object.values(overviewQueries(scope, boards)), exportQuery(scope)])
    expect(query.safeParse(question).error).toBeUndefined()
})

test('a leaderboard keeps showing the values beside the picked one', () => {
  const scope = scopes[1]?.[1] as Scope
  const asked = overviewQueries(scope, boards)
  expect(JSON.stringify(asked['board.route']?.filters)).not.toContain('requests.route')
  expect(JSON.stringify(asked['board.service']?.filters)).toContain('requests.route')
})
