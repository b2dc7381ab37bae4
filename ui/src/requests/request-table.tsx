import { Skeleton } from '@mantine/core'
import { IconListSearch } from '@tabler/icons-react'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, type RefObject, useLayoutEffect, useRef } from 'react'
import { formatClock, formatDuration, absent } from '../format/format.ts'
import { StatusBadge } from '../format/status-badge.tsx'
import { Masked, useMasks } from '../notices/masked.tsx'
import { Notice } from '../notices/notice.tsx'
import type { RequestRow } from './request-row.ts'
import classes from './request-table.module.css'

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

type RequestTableProps = {
  readonly rows: readonly RequestRow[]
  readonly isLoading: boolean
  readonly openId: string | undefined
  readonly onOpen: (id: string) => void
  readonly maskReason: string | undefined
}

/** The latest requests, newest first. New rows are added at the top without moving the visible ones. */
export function RequestTable({ rows, isLoading, ...rest }: RequestTableProps) {
  const place = useRef<HTMLDivElement>(null)
  useStableScroll(place, rows)
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
          title="No matching requests"
        >
          No requests match this time range and these filters.
        </Notice>
      )}
    </div>
  )
}

type RowsProps = Omit<RequestTableProps, 'isLoading'> & {
  readonly place: React.RefObject<HTMLDivElement | null>
}

function Rows({ place, rows, openId, onOpen, maskReason }: RowsProps) {
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
            <RequestCells row={row} slowest={slowest} maskReason={maskReason} />
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

type RequestCellsProps = {
  readonly row: RequestRow
  /** The longest duration in the table, in milliseconds. */
  readonly slowest: number
  readonly maskReason: string | undefined
}

export function RequestCells({ row, slowest, maskReason }: RequestCellsProps) {
  return (
    <>
      <td className={classes.time}>{formatClock(row.time, true)}</td>
      <td className={classes.method}>{row.method}</td>
      <td className={classes.path} title={row.path}>
        {row.path}
      </td>
      <td>
        <StatusBadge status={row.status} />
      </td>
      <td className={classes.duration}>
        <span>{formatDuration(row.duration)}</span>
        <TimingBar timing={row} slowest={slowest} />
      </td>
      <td title={row.route}>{row.route || absent}</td>
      <td title={row.service}>{row.service || absent}</td>
      <td>
        <Consumer consumer={row.consumer} maskReason={maskReason} />
      </td>
      <td title={row.workspace}>{row.workspace || absent}</td>
    </>
  )
}

type ConsumerProps = {
  readonly consumer: string | null
  readonly maskReason: string | undefined
}

function Consumer({ consumer, maskReason }: ConsumerProps) {
  const { noCaller } = useMasks()
  if (maskReason !== undefined) return <Masked reason={maskReason} />
  if (consumer === null) return <Masked reason="You may not read this consumer." />
  return consumer === '' ? <i className={classes.none}>{noCaller}</i> : consumer
}

/** The parts of a request's time, in milliseconds. */
export type Timing = {
  readonly duration: number
  readonly gateway: number
  readonly upstream: number
  readonly receive: number
}

/** A bar for the duration, relative to the slowest row, split into its parts. The scale is a square root, so that fast requests stay visible. */
export function TimingBar({
  timing,
  slowest,
}: {
  readonly timing: Timing
  readonly slowest: number
}) {
  const { duration, gateway, upstream, receive } = timing
  const width = slowest > 0 ? Math.sqrt(duration / slowest) * 100 : 0
  return (
    <span className={classes.track} aria-hidden="true">
      <span className={classes.bar} style={{ width: `${Math.max(width, 3)}%` }}>
        <span style={{ flexGrow: gateway, background: 'var(--timing-gateway)' }} />
        <span style={{ flexGrow: upstream, background: 'var(--timing-upstream)' }} />
        <span style={{ flexGrow: receive, background: 'var(--timing-receive)' }} />
      </span>
    </span>
  )
}

/** Height of a row in pixels. */
const rowHeight = 32

/** Keeps the visible rows in place when new rows are added above them, unless the table is scrolled to the top. */
function useStableScroll(place: RefObject<HTMLElement | null>, rows: readonly RequestRow[]) {
  const before = useRef(rows)
  useLayoutEffect(() => {
    const old = before.current
    before.current = rows
    const shift = place.current === null ? 0 : rowShift(old, rows, place.current.scrollTop)
    if (shift !== 0) place.current?.scrollBy({ top: shift * rowHeight, behavior: 'instant' })
  }, [place, rows])
}

/** By how many rows the first visible row that still exists has moved. */
function rowShift(old: readonly RequestRow[], rows: readonly RequestRow[], top: number): number {
  if (old === rows || top === 0) return 0
  for (let index = Math.floor(top / rowHeight); index < old.length; index++) {
    const now = rows.findIndex(({ id }) => id === old[index]?.id)
    if (now >= 0) return now - index
  }
  return 0
}
