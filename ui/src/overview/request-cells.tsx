import { formatClock, formatDuration, nothing } from '../parts/format.ts'
import { Masked } from '../parts/masked.tsx'
import { StatusBadge } from '../parts/status-badge.tsx'
import classes from './request-cells.module.css'
import type { RequestRow } from './request-row.ts'
import { TimingBar } from './timing-bar.tsx'

/** What the cells of a row show. */
type RequestCellsProps = {
  readonly row: RequestRow
  /** The longest duration in the table, in milliseconds. */
  readonly slowest: number
  readonly maskedBecause: string | undefined
}

/** The cells of one request. */
export function RequestCells({ row, slowest, maskedBecause }: RequestCellsProps) {
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
      <td title={row.route}>{row.route || nothing}</td>
      <td title={row.service}>{row.service || nothing}</td>
      <td>
        <Consumer consumer={row.consumer} maskedBecause={maskedBecause} />
      </td>
      <td title={row.workspace}>{row.workspace || nothing}</td>
    </>
  )
}

type ConsumerProps = {
  readonly consumer: string | null
  readonly maskedBecause: string | undefined
}

function Consumer({ consumer, maskedBecause }: ConsumerProps) {
  if (maskedBecause !== undefined) return <Masked reason={maskedBecause} />
  if (consumer === null) return <Masked reason="You may not read this consumer." />
  return consumer === '' ? <i className={classes.none}>anonymous</i> : consumer
}
