import { Skeleton } from '@mantine/core'
import { IconListSearch } from '@tabler/icons-react'
import { useVirtualizer } from '@tanstack/react-virtual'
import { useRef, type KeyboardEvent } from 'react'
import { Notice } from '../parts/notice.tsx'
import { RequestCells } from './request-cells.tsx'
import type { RequestRow } from './request-row.ts'
import classes from './request-table.module.css'
import { rowHeight, useHeldScroll } from './use-held-scroll.ts'

const headings = [
  'Time',
  'Method',
  'Path',
  'Status',
  'Duration',
  'Route',
  'Service',
  'Consumer',
  'Workspace',
]

/** What a RequestTable shows. */
type RequestTableProps = {
  readonly rows: readonly RequestRow[]
  readonly isLoading: boolean
  readonly openId: string | undefined
  readonly onOpen: (id: string) => void
  readonly maskedBecause: string | undefined
}

/** The latest requests, newest first. New ones come in at the top without moving what is being read. */
export function RequestTable({ rows, isLoading, ...rest }: RequestTableProps) {
  const place = useRef<HTMLDivElement>(null)
  useHeldScroll(place, rows)
  return (
    <div ref={place} className={classes.scroll}>
      <table className={classes.table} aria-label="Latest requests" aria-rowcount={rows.length + 1}>
        <thead>
          <tr className={classes.head}>
            {headings.map((heading) => (
              <th key={heading} scope="col">
                {heading}
              </th>
            ))}
          </tr>
        </thead>
        <Rows place={place} rows={rows} {...rest} />
      </table>
      {isLoading &&
        Array.from({ length: 10 }, (_, row) => (
          <Skeleton key={row} height={18} m="7px 14px" w="auto" />
        ))}
      {!isLoading && rows.length === 0 && (
        <Notice
          compact
          icon={<IconListSearch size={26} stroke={1.5} />}
          title="No requests to show here"
        >
          None came in this time, or the filters leave none over. Widen the time range, or remove a
          filter.
        </Notice>
      )}
    </div>
  )
}

type RowsProps = Omit<RequestTableProps, 'isLoading'> & {
  readonly place: React.RefObject<HTMLDivElement | null>
}

function Rows({ place, rows, openId, onOpen, maskedBecause }: RowsProps) {
  // oxlint-disable-next-line react/incompatible-library -- no compiler memoizes this component
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => place.current,
    estimateSize: () => rowHeight,
    getItemKey: (index) => rows[index]?.id ?? index,
    overscan: 12,
  })
  const slowest = Math.max(...rows.map(({ duration }) => duration), 0)
  return (
    <tbody className={classes.body} style={{ height: virtual.getTotalSize() }}>
      {virtual.getVirtualItems().map(({ key, index, start }) => {
        const row = rows[index]
        if (row === undefined) return null
        return (
          <tr
            key={key}
            tabIndex={0}
            aria-rowindex={index + 2}
            data-open={row.id === openId || undefined}
            className={classes.row}
            style={{ transform: `translateY(${start}px)` }}
            onClick={() => onOpen(row.id)}
            onKeyDown={(event) => moveOrOpen(event, () => onOpen(row.id))}
          >
            <RequestCells row={row} slowest={slowest} maskedBecause={maskedBecause} />
          </tr>
        )
      })}
    </tbody>
  )
}

function moveOrOpen(event: KeyboardEvent<HTMLElement>, open: () => void): void {
  const { key, currentTarget } = event
  const next =
    key === 'ArrowDown'
      ? currentTarget.nextElementSibling
      : key === 'ArrowUp'
        ? currentTarget.previousElementSibling
        : undefined
  if (next instanceof HTMLElement) {
    event.preventDefault()
    next.focus()
  } else if (key === 'Enter' || key === ' ') {
    event.preventDefault()
    open()
  }
}
