import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { completenessQuery } from '../api/analytics.ts'
import { formatClock } from '../format/format.ts'
import { describeCompleteness } from './describe-completeness.ts'

/** The time up to which charts have every request, and nodes without heartbeat. `end` is the end of the shown range. */
export function CompletenessNote({ end, now }: { readonly end: number; readonly now: number }) {
  const { data } = useQuery(completenessQuery)
  const sentence = data && describeCompleteness(data, { end, now, clock: formatClock })
  if (sentence === undefined) return null
  return (
    <Text size="xs" c="dimmed" role="note">
      {sentence}
    </Text>
  )
}
