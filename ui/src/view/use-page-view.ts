import { useNavigate, useSearch } from '@tanstack/react-router'
import { useCallback, useMemo } from 'react'
import { toggleFilter } from './filters.ts'
import type { PageFilter, Search } from './search.ts'
import { defaultRange, formatTimeRange, parseTimeRange, type TimeRange } from './time-range.ts'

/** The state of a page that its address holds, and functions that change it. */
export type PageView = {
  readonly workspace: string | undefined
  readonly range: TimeRange
  /** Whether new requests appear as they arrive. */
  readonly live: boolean
  readonly filters: readonly PageFilter[]
  readonly request: string | undefined
  readonly change: (change: { [Key in keyof Search]?: Search[Key] | undefined }) => void
  readonly setRange: (range: TimeRange) => void
  readonly toggle: (filter: PageFilter) => void
}

const noFilters: readonly PageFilter[] = []

/** The view in the page's address; every change navigates, so that Back undoes it. */
export function usePageView(): PageView {
  const search: Search = useSearch({ strict: false })
  const navigate = useNavigate()
  const change = useCallback<PageView['change']>(
    (changed) => {
      void navigate({
        to: '.',
        search: (previous: Search) => omitEmpty({ ...previous, ...changed }),
      })
    },
    [navigate],
  )
  return useMemo(() => {
    const range = parseTimeRange(search.range ?? '') ?? defaultRange
    const filters = search.filters ?? noFilters
    return {
      workspace: search.workspace,
      range,
      live: range.kind === 'last' && search.live !== 'off',
      filters,
      request: search.request,
      change,
      setRange: (next) => change({ range: formatTimeRange(next), live: undefined }),
      toggle: (filter) => change({ filters: toggleFilter(filters, filter) }),
    }
  }, [search, change])
}

function omitEmpty(search: Record<string, unknown>): Search {
  return Object.fromEntries(
    Object.entries(search).filter(
      ([, value]) => value !== undefined && !(Array.isArray(value) && value.length === 0),
    ),
  )
}
