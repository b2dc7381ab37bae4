import type { RevisionLine } from '../../../src/schema/config-difference.ts'
import { formatAge, formatDate } from '../format/format.ts'
import { RowButton, RowTable } from '../layout/row-table.tsx'
import { ChangeCounts } from './change-counts.tsx'
import classes from './revision-table.module.css'

/** What a RevisionTable shows. */
type RevisionTableProps = {
  readonly revisions: readonly RevisionLine[]
  readonly current: number
  readonly now: number
  readonly open: number | undefined
  readonly onOpen: (number: number) => void
}

const widths = '92px 104px minmax(96px, 0.6fr) minmax(200px, 2fr) 168px'

/** Revisions, one line each; a click opens what it did. */
export function RevisionTable({ revisions, current, now, open, onOpen }: RevisionTableProps) {
  return (
    <RowTable widths={widths} minWidth={0} className={classes.revisions}>
      <thead>
        <tr>
          <th scope="col">Revision</th>
          <th scope="col">When</th>
          <th scope="col">Who</th>
          <th scope="col">What</th>
          <th scope="col">Changed</th>
        </tr>
      </thead>
      <tbody>
        {revisions.map((revision) => (
          <tr key={revision.number} data-open={revision.number === open || undefined}>
            <td className={classes.number}>
              {revision.number}
              {revision.number === current && <small>now</small>}
            </td>
            <td className={classes.dim} title={formatDate(revision.time)}>
              {formatAge(revision.time, now)}
            </td>
            <td>{revision.principal}</td>
            <td>
              <RowButton
                look={revision.message === null ? 'dim' : 'plain'}
                onOpen={() => onOpen(revision.number)}
              >
                {revision.message ?? revision.summary ?? kindsText(revision)}
              </RowButton>
            </td>
            <td>
              <ChangeCounts counts={revision.counts} />
            </td>
          </tr>
        ))}
      </tbody>
    </RowTable>
  )
}

/** `3 routes, 1 service` for a change about which nobody said anything. */
const kindsText = ({ kinds }: RevisionLine): string =>
  kinds
    .map(({ entity, created, updated, deleted }) => {
      const count = created + updated + deleted
      const noun = entity.replaceAll('-', ' ')
      return `${count} ${count === 1 ? noun : `${noun}s`}`
    })
    .join(', ')
