import { UnstyledButton } from '@mantine/core'
import { IconArrowDown, IconArrowUp } from '@tabler/icons-react'
import {
  type ColumnDef,
  createSortedRowModel,
  type Header,
  rowSortingFeature,
  sortFn_alphanumeric,
  tableFeatures,
  useTable,
} from '@tanstack/react-table'
import { useMemo } from 'react'
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

/** What an EntityTable shows. */
type EntityTableProps = {
  readonly rows: readonly EntityRow[]
  readonly columns: readonly EntityColumn[]
  /** LiveResult when the viewer sorts, because sorting needs every row. */
  readonly onSort: () => void
}

/** A table of entities; a click on a heading sorts by it. */
export function EntityTable({ rows, columns, onSort }: EntityTableProps) {
  const ids = columns.map(({ id }) => id).join()
  const definitions = useMemo(
    () =>
      columns.map((column): Column => ({
        id: column.id,
        accessorFn: column.key,
        header: column.title,
      })),
    // oxlint-disable-next-line react/exhaustive-deps -- the columns are new at every render, their ids are not
    [ids, rows],
  )
  const data = useMemo(() => [...rows], [rows])
  const table = useTable({
    features,
    columns: definitions,
    data,
    getRowId: ({ workspace, entity }: EntityRow) => `${workspace}/${entity.id}`,
    enableMultiSort: false,
  })
  const widths = columns.map(({ width }) => width).join(' ')

  return (
    <RowTable widths={widths} minWidth={780}>
      <thead>
        {table.getHeaderGroups().map((group) => (
          <tr key={group.id}>
            {group.headers.map((header) => (
              <Heading key={header.id} header={header} onSort={onSort} />
            ))}
          </tr>
        ))}
      </thead>
      <tbody>
        {table.getRowModel().rows.map((row) => (
          <tr key={row.id}>
            {columns.map(({ id, cell }) => (
              <td key={id}>{cell(row.original)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </RowTable>
  )
}

type HeadingProps = {
  readonly header: Header<typeof features, EntityRow, unknown>
  readonly onSort: () => void
}

function Heading({ header, onSort }: HeadingProps) {
  const { column } = header
  const sorted = column.getIsSorted()
  const Arrow = sorted === 'desc' ? IconArrowDown : IconArrowUp
  return (
    <th
      scope="col"
      aria-sort={sorted === false ? 'none' : sorted === 'asc' ? 'ascending' : 'descending'}
    >
      <UnstyledButton
        className={classes.heading}
        onClick={() => {
          onSort()
          column.toggleSorting()
        }}
      >
        {String(column.columnDef.header)}
        {sorted !== false && <Arrow size={12} stroke={2} aria-hidden="true" />}
      </UnstyledButton>
    </th>
  )
}
