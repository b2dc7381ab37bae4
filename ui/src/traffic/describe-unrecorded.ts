import type { QueryInput } from '../../../src/schema/query.ts'
import { formatCount } from '../format/format.ts'
import type { Scope } from '../overview/overview-queries.ts'
import { toDateRange } from '../view/time-range.ts'

/** Counts of requests without an event. They have a workspace and a minute, and no service or caller. */
export const unrecordedQuery = ({
  workspace,
  range,
}: Pick<Scope, 'workspace' | 'range'>): QueryInput => ({
  measures: ['unrecorded.shed', 'unrecorded.refused'],
  timeDimensions: [{ dimension: 'unrecorded.time', dateRange: toDateRange(range) }],
  filters:
    workspace === undefined
      ? []
      : [{ member: 'unrecorded.workspace', operator: 'equals', values: [workspace] }],
})

/** For example "1,204 requests in this time range are not in these figures …"; undefined when there are none. */
export function describeUnrecorded(row: Readonly<Record<string, unknown>>): string | undefined {
  const [shed, refused] = ['shed', 'refused'].map((name) => Number(row[`unrecorded.${name}`] ?? 0))
  const count = (shed ?? 0) + (refused ?? 0)
  if (count === 0) return undefined
  const requests = count === 1 ? '1 request' : `${formatCount(count)} requests`
  return `${requests} in this time range ${count === 1 ? 'is' : 'are'} not in these figures, because the spool or the disk of a gateway was full: ${formatCount(shed ?? 0)} served, ${formatCount(refused ?? 0)} refused.`
}
