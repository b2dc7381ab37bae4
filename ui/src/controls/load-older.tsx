import { Button } from '@mantine/core'
import type { UseInfiniteQueryResult } from '@tanstack/react-query'

type LoadOlderProps = {
  readonly list: Pick<
    UseInfiniteQueryResult,
    'hasNextPage' | 'isFetchingNextPage' | 'fetchNextPage'
  >
  /** Plural noun, for example `records`. */
  readonly what: string
}

/** Loads the next page of a list that is sorted newest first. */
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
