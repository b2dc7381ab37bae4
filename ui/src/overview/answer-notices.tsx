import { Alert, Button } from '@mantine/core'
import { IconInfoCircle, IconLock, IconPlugConnectedX } from '@tabler/icons-react'
import type { Masks } from '../parts/use-masks.ts'
import type { LiveAnswers } from '../view/use-live-answers.ts'
import type { PageView } from '../view/use-page-view.ts'
import classes from './answer-notices.module.css'

/** What the AnswerNotices look at. */
type AnswerNoticesProps = {
  readonly live: LiveAnswers
  readonly view: PageView
  readonly masks: Masks
  /** The question whose notices speak for the page. */
  readonly id: string
}

/** What the answers want to say in words: why there are no rows, which filter is not allowed, what failed. */
export function AnswerNotices({ live, view, masks, id }: AnswerNoticesProps) {
  const { answer, problem } = live.told(id)
  const masked = view.filters.filter(({ member }) => masks.reasonFor(member) !== undefined)
  const refused = live.error?.message ?? problem?.message
  return (
    <>
      {refused !== undefined && (
        <Alert
          variant="light"
          color="yellow"
          role="alert"
          icon={masked.length > 0 ? <IconLock size={17} /> : <IconPlugConnectedX size={17} />}
        >
          <div className={classes.words}>
            <span>{refused}</span>
            {masked.length > 0 && (
              <Button
                size="compact-xs"
                variant="default"
                onClick={() =>
                  view.change({ filters: view.filters.filter((one) => !masked.includes(one)) })
                }
              >
                Remove the filter
              </Button>
            )}
          </div>
        </Alert>
      )}
      {answer?.notices.map((notice) => (
        <Alert key={notice} variant="light" color="water" icon={<IconInfoCircle size={17} />}>
          {notice}
        </Alert>
      ))}
    </>
  )
}
