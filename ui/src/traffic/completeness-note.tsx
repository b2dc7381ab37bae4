import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { completenessQuery } from '../api/analytics.ts'
import { formatClock } from '../format/format.ts'
import { describeCompleteness } from './describe-completeness.ts'

/** Up to when the charts have every request, and which nodes are not heard of. `end` is the end of what is shown. */
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
