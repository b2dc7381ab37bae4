import { IconDatabaseOff } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { answerQuery, metaQuery } from '../api/analytics.ts'
import { Banner } from '../notices/banner.tsx'
import type { Scope } from '../overview/overview-queries.ts'
import { describeUnrecorded, unrecordedQuery } from './describe-unrecorded.ts'

/** The number of requests in the range that have no event; nothing when all were recorded. */
export function UnrecordedNotice({
  scope,
}: {
  readonly scope: Pick<Scope, 'workspace' | 'range'>
}) {
  const { data: meta } = useQuery(metaQuery)
  const isKnown = meta?.datasets.some(({ name }) => name === 'unrecorded') === true
  const { data } = useQuery({
    ...answerQuery(unrecordedQuery(scope)),
    enabled: isKnown,
    refetchInterval: 30_000,
  })
  const sentence = data && describeUnrecorded(data.data[0] ?? {})
  if (sentence === undefined) return null
  return (
    <Banner tone="warning" icon={<IconDatabaseOff size={17} stroke={1.8} />}>
      {sentence}
    </Banner>
  )
}
