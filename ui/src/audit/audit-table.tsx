import type { AuditLine } from '../../../src/schema/audit-answer.ts'
import { formatAge, formatDate } from '../format/format.ts'
import { StatusBadge } from '../format/status-badge.tsx'
import { RowButton, RowTable } from '../layout/row-table.tsx'
import { actionLabel, touchedLabel } from './audit-labels.ts'
import classes from './audit-table.module.css'

/** What an AuditTable shows. */
type AuditTableProps = {
  readonly lines: readonly AuditLine[]
  readonly now: number
  readonly showsWorkspace: boolean
  readonly open: number | undefined
  readonly onOpen: (sequence: number) => void
}

/** Records of the log, one line each; a click opens what changed. */
export function AuditTable({ lines, now, showsWorkspace, open, onOpen }: AuditTableProps) {
  const widths = `104px minmax(96px, 0.8fr) minmax(220px, 2fr) ${showsWorkspace ? '104px ' : ''}minmax(140px, 1.2fr) 56px`
  return (
    <RowTable widths={widths} minWidth={820} className={classes.records}>
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col">Who</th>
          <th scope="col">What</th>
          {showsWorkspace && <th scope="col">Workspace</th>}
          <th scope="col">Changed</th>
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
            <td>{line.principal?.name ?? <span className={classes.dim}>{whoElse(line)}</span>}</td>
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

/** Weir has no address of its own; whoever else is unknown has one. */
const whoElse = ({ address }: AuditLine): string => (address === '' ? 'Weir' : 'nobody known')
