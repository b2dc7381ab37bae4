import { UnstyledButton } from '@mantine/core'
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react'
import {
  type ColumnDef,
  createSortedRowModel,
  type Header,
  type OnChangeFn,
  rowSortingFeature,
  type SortingState,
  sortFn_alphanumeric,
  tableFeatures,
  useTable,
} from '@tanstack/react-table'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import type { EntityRow } from '../api/entities.ts'
import { RowTable } from '../layout/row-table.tsx'
import type { EntityColumn } from './entity-columns.tsx'
import classes from './entity-table.module.css'

const features = tableFeatures({
  rowSortingFeature,
  sortedRowModel: createSortedRowModel(),
  sortFns: { alphanumeric: sortFn_alphanumeric },
})

type Column = ColumnDef<typeof features, EntityRow, unknown>

type EntityTableProps = {
  readonly rows: readonly EntityRow[]
  readonly columns: readonly EntityColumn[]
  /** The column by which the rows are sorted, if any. */
  readonly sorting: SortingState
  readonly onSortingChange: OnChangeFn<SortingState>
  /** Whether the rows are in that order already. */
  readonly isSorted: boolean
  /** Called when the last row comes into view. */
  readonly onEnd: () => void
}

/** Height of a row in pixels, as in the style sheet. */
const rowHeight = 38
/** Up to this many rows all are rendered, so that the browser's own search finds them. */
const alwaysRendered = 200

/** A table of entities. A click on a heading sorts by it; only the visible part of a long list is rendered. */
export function EntityTable(props: EntityTableProps) {
  const { rows, columns, sorting, onSortingChange, isSorted, onEnd } = props
  const ids = columns.map(({ id }) => id).join()
  const definitions = useMemo(
    () =>
      columns.map((column): Column => ({
        id: column.id,
        accessorFn: column.key,
        header: column.title,
      })),
    // oxlint-disable-next-line react/exhaustive-deps -- columns are new on every render, their IDs are not
    [ids, rows],
  )
  const data = useMemo(() => [...rows], [rows])
  const table = useTable({
    features,
    columns: definitions,
    data,
    getRowId: ({ workspace, entity }: EntityRow) => `${workspace}/${entity.id}`,
    enableMultiSort: false,
    manualSorting: isSorted,
    state: { sorting },
    onSortingChange,
  })
  const widths = columns.map(({ width }) => width).join(' ')
  const sorted = table.getRowModel().rows

  const body = useRef<HTMLTableSectionElement>(null)
  const [scrollMargin, setScrollMargin] = useState(0)
  useLayoutEffect(() => {
    const top = body.current?.getBoundingClientRect().top ?? 0
    setScrollMargin(Math.round(top + window.scrollY))
  }, [rows.length])
  // oxlint-disable-next-line react/incompatible-library -- no compiler memoizes this component
  const virtual = useWindowVirtualizer({
    count: sorted.length,
    estimateSize: () => rowHeight,
    overscan: sorted.length <= alwaysRendered ? alwaysRendered : 20,
    scrollMargin,
  })
  const visible = virtual.getVirtualItems()
  const { endIndex = 0 } = virtual.range ?? {}
  useEffect(() => {
    if (endIndex >= sorted.length - 1) onEnd()
  }, [endIndex, sorted.length, onEnd])

  return (
    <RowTable widths={widths} minWidth={780}>
      <thead>
        {table.getHeaderGroups().map((group) => (
          <tr key={group.id}>
            {group.headers.map((header) => (
              <Heading key={header.id} header={header} />
            ))}
          </tr>
        ))}
      </thead>
      <tbody ref={body} className={classes.body} style={{ height: virtual.getTotalSize() }}>
        {visible.map(({ index, start }) => {
          const row = sorted[index]
          if (row === undefined) return null
          return (
            <tr
              key={row.id}
              aria-rowindex={index + 2}
              style={{ transform: `translateY(${start - scrollMargin}px)` }}
            >
              {columns.map(({ id, cell }) => (
                <td key={id}>{cell(row.original)}</td>
              ))}
            </tr>
          )
        })}
      </tbody>
    </RowTable>
  )
}

type HeadingProps = {
  readonly header: Header<typeof features, EntityRow, unknown>
}

function Heading({ header }: HeadingProps) {
  const { column } = header
  const sorted = column.getIsSorted()
  const Arrow = sorted === 'desc' ? IconArrowDown : IconArrowUp
  return (
    <th
      scope="col"
      aria-sort={sorted === false ? 'none' : sorted === 'asc' ? 'ascending' : 'descending'}
    >
      <UnstyledButton className={classes.heading} onClick={() => column.toggleSorting()}>
        {String(column.columnDef.header)}
        {sorted !== false && <Arrow size={12} stroke={2} aria-hidden="true" />}
      </UnstyledButton>
    </th>
  )
}
