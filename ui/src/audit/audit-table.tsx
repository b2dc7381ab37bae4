import type { AuditRecordSummary } from '../../../src/schema/audit-answer.ts'
import { formatAge, formatDate } from '../format/format.ts'
import { StatusBadge } from '../format/status-badge.tsx'
import { RowButton, RowTable } from '../layout/row-table.tsx'
import { actionLabel, touchedLabel } from './audit-labels.ts'
import classes from './audit-table.module.css'

type AuditTableProps = {
  readonly lines: readonly AuditRecordSummary[]
  readonly now: number
  readonly showsWorkspace: boolean
  readonly open: number | undefined
  readonly onOpen: (sequence: number) => void
}

/** Audit records; a click opens the details. */
export function AuditTable({ lines, now, showsWorkspace, open, onOpen }: AuditTableProps) {
  const widths = `104px minmax(96px, 0.8fr) minmax(220px, 2fr) ${showsWorkspace ? '104px ' : ''}minmax(140px, 1.2fr) 56px`
  return (
    <RowTable widths={widths} minWidth={820} className={classes.records}>
      <thead>
        <tr>
          <th scope="col">Time</th>
          <th scope="col">Principal</th>
          <th scope="col">Action</th>
          {showsWorkspace && <th scope="col">Workspace</th>}
          <th scope="col">Changes</th>
          <th scope="col">Status</th>
        </tr>
      </thead>
      <tbody>
        {lines.map((line) => (
          <tr
            key={line.sequence}
            data-denied={!line.allowed || undefined}
            data-open={line.sequence === open || undefined}
          >
            <td className={classes.dim} title={formatDate(line.time)}>
              {formatAge(line.time, now)}
            </td>
            <td>
              {line.principal?.name ?? <span className={classes.dim}>{actorLabel(line)}</span>}
            </td>
            <td>
              <RowButton onOpen={() => onOpen(line.sequence)}>
                {actionLabel(line)} <code>{line.path}</code>
              </RowButton>
            </td>
            {showsWorkspace && <td>{line.workspace}</td>}
            <td className={classes.dim}>{touchedLabel(line)}</td>
            <td>
              <StatusBadge status={line.status} />
            </td>
          </tr>
        ))}
      </tbody>
    </RowTable>
  )
}

/** The actor of a record without a principal; only Weir's own changes have no client address. */
const actorLabel = ({ address }: AuditRecordSummary): string =>
  address === '' ? 'Weir' : 'unknown'
