import { Button } from '@mantine/core'
import { IconInfoCircle, IconLock, IconPlugConnectedX } from '@tabler/icons-react'
import { Banner } from '../notices/banner.tsx'
import type { Masks } from '../notices/masked.tsx'
import type { LiveResults } from '../view/use-live-queries.ts'
import type { PageView } from '../view/use-page-view.ts'

/** What the AnswerNotices look at. */
type AnswerNoticesProps = {
  readonly live: LiveResults
  readonly view: PageView
  readonly masks: Masks
}

/** What the answers want to say in words: why there are no rows, which filter is not allowed, what failed. */
export function AnswerNotices({ live, view, masks }: AnswerNoticesProps) {
  const { answer } = live.told('totals')
  const masked = view.filters.filter(({ member }) => masks.reasonFor(member) !== undefined)
  const refused = refusalOf(live)
  if (refused === undefined)
    return answer?.notices.map((notice) => (
      <Banner key={notice} mood="note" icon={<IconInfoCircle size={17} stroke={1.8} />}>
        {notice}
      </Banner>
    ))
  return (
    <Banner
      mood="refusal"
      icon={masked.length > 0 ? <IconLock size={17} /> : <IconPlugConnectedX size={17} />}
      action={
        masked.length > 0 && (
          <Button
            size="compact-xs"
            variant="default"
            onClick={() =>
              view.change({ filters: view.filters.filter((one) => !masked.includes(one)) })
            }
          >
            Remove the filter
          </Button>
        )
      }
    >
      {refused}
    </Banner>
  )
}

/** Why the page has no answers, when it has none. */
export const refusalOf = (live: LiveResults): string | undefined =>
  live.error?.message ?? live.told('totals').problem?.message
