import { Button } from '@mantine/core'
import type { UseInfiniteQueryResult } from '@tanstack/react-query'

/** What LoadOlder goes on with. */
type LoadOlderProps = {
  readonly list: Pick<
    UseInfiniteQueryResult,
    'hasNextPage' | 'isFetchingNextPage' | 'fetchNextPage'
  >
  /** What there is more of, for example `records`. */
  readonly what: string
}

/** Below a list that is newest first: a button for the page before, while there is one. */
export function LoadOlder({ list, what }: LoadOlderProps) {
  if (!list.hasNextPage) return null
  return (
    <Button
      variant="default"
      size="compact-sm"
      style={{ alignSelf: 'center' }}
      loading={list.isFetchingNextPage}
      onClick={() => void list.fetchNextPage()}
    >
      Load older {what}
    </Button>
  )
}
