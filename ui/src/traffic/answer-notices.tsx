import { Button } from '@mantine/core'
import { IconInfoCircle, IconLock, IconPlugConnectedX } from '@tabler/icons-react'
import { Banner } from '../notices/banner.tsx'
import type { Masks } from '../notices/masked.tsx'
import type { LiveResults } from '../view/use-live-queries.ts'
import type { PageView } from '../view/use-page-view.ts'

type AnswerNoticesProps = {
  readonly live: LiveResults
  readonly view: PageView
  readonly masks: Masks
}

/** Notices of the answers, and the error that prevented them. */
export function AnswerNotices({ live, view, masks }: AnswerNoticesProps) {
  const { answer } = live.result('totals')
  const masked = view.filters.filter(({ member }) => masks.reasonFor(member) !== undefined)
  const error = liveError(live)
  if (error === undefined)
    return answer?.notices.map((notice) => (
      <Banner key={notice} tone="info" icon={<IconInfoCircle size={17} stroke={1.8} />}>
        {notice}
      </Banner>
    ))
  return (
    <Banner
      tone="warning"
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
            Remove filter
          </Button>
        )
      }
    >
      {error}
    </Banner>
  )
}

/** Why a page has no answers, if it has none. */
export const liveError = (live: LiveResults): string | undefined =>
  live.error?.message ?? live.result('totals').problem?.message
