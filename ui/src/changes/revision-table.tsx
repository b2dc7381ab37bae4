import type { RevisionSummary } from '../../../src/schema/config-difference.ts'
import { formatAge, formatDate } from '../format/format.ts'
import { RowButton, RowTable } from '../layout/row-table.tsx'
import { ChangeCounts } from './change-counts.tsx'
import type { RevisionRow } from './changes-queries.ts'
import classes from './revision-table.module.css'

type RevisionTableProps = {
  readonly rows: readonly RevisionRow[]
  readonly current: number
  readonly now: number
  readonly open: RevisionRow | undefined
  readonly onOpen: (row: RevisionRow) => void
  readonly showsWorkspace: boolean
}

/** Revisions; a click opens the details. */
export function RevisionTable(props: RevisionTableProps) {
  const { rows, current, now, open, onOpen, showsWorkspace } = props
  const widths = `92px 104px minmax(96px, 0.6fr) minmax(200px, 2fr) ${showsWorkspace ? '120px ' : ''}168px`
  return (
    <RowTable widths={widths} minWidth={0} className={classes.revisions}>
      <thead>
        <tr>
          <th scope="col">Revision</th>
          <th scope="col">Time</th>
          <th scope="col">Principal</th>
          <th scope="col">Message</th>
          {showsWorkspace && <th scope="col">Workspace</th>}
          <th scope="col">Changes</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ workspace, line: revision }) => (
          <tr
            key={`${revision.number} ${workspace}`}
            data-open={
              (revision.number === open?.line.number && workspace === open.workspace) || undefined
            }
          >
            <td className={classes.number}>
              {revision.number}
              {revision.number === current && <small>current</small>}
            </td>
            <td className={classes.dim} title={formatDate(revision.time)}>
              {formatAge(revision.time, now)}
            </td>
            <td>{revision.principal}</td>
            <td>
              <RowButton
                look={revision.message === null ? 'dim' : 'plain'}
                onOpen={() => onOpen({ workspace, line: revision })}
              >
                {revision.message ?? revision.summary ?? kindsLabel(revision)}
              </RowButton>
            </td>
            {showsWorkspace && <td>{workspace}</td>}
            <td>
              <ChangeCounts counts={revision.counts} />
            </td>
          </tr>
        ))}
      </tbody>
    </RowTable>
  )
}

/** `3 routes, 1 service`, for a revision without message and summary. */
const kindsLabel = ({ kinds }: RevisionSummary): string =>
  kinds
    .map(({ entity, created, updated, deleted }) => {
      const count = created + updated + deleted
      const noun = entity.replaceAll('-', ' ')
      return `${count} ${count === 1 ? noun : `${noun}s`}`
    })
    .join(', ')
