import { Tooltip, UnstyledButton } from '@mantine/core'
import { IconCircleMinus, IconFilterPlus } from '@tabler/icons-react'
import type { Cell } from '../../../src/schema/answer.ts'
import { CopyText } from '../controls/copy-text.tsx'
import { formatBytes, formatDate, formatDuration } from '../format/format.ts'
import { StatusBadge } from '../format/status-badge.tsx'
import { Masked, useMasks } from '../notices/masked.tsx'
import type { Part } from '../styles/palette.ts'
import type { PageView } from '../view/use-page-view.ts'
import { type DetailField, detailGroups } from './detail-facts.ts'
import classes from './request-detail.module.css'
import { type DetailRow, numberIn, textIn, toTiming } from './request-row.ts'
import type { Timing } from './request-table.tsx'
import { toCurl } from './to-curl.ts'

type RequestDetailProps = { readonly row: DetailRow; readonly view: PageView }

/** One request: outcome, timing and fields. */
export function RequestDetail({ row, view }: RequestDetailProps) {
  return (
    <article className={classes.detail}>
      <Summary row={row} />
      <Waterfall timing={toTiming(row)} />
      {detailGroups.map((group) => (
        <Group key={group.title} group={group} row={row} view={view} />
      ))}
    </article>
  )
}

type GroupProps = RequestDetailProps & { readonly group: (typeof detailGroups)[number] }

function Group({ group, row, view }: GroupProps) {
  const masks = useMasks()
  const masked = group.fields.filter(({ member }) => masks.reasonFor(member) !== undefined)
  const reason = masks.reasonFor(masked[0]?.member ?? '')
  return (
    <section>
      <h3 className={classes.title}>{group.title}</h3>
      <dl className={classes.list}>
        {group.fields
          .filter((field) => !masked.includes(field))
          .map((field) => (
            <FieldRow
              key={field.member}
              field={field}
              cell={row[`requests.${field.member}`] ?? null}
              view={view}
            />
          ))}
      </dl>
      {reason !== undefined && <MaskedFields fields={masked} reason={reason} />}
    </section>
  )
}

function Summary({ row }: { readonly row: DetailRow }) {
  const time = formatDate(Date.parse(textIn(row, 'time')))
  return (
    <header>
      <p className={classes.line}>
        <StatusBadge status={numberIn(row, 'status')} />
        <b>{textIn(row, 'method')}</b>
        <code>{textIn(row, 'path')}</code>
      </p>
      <p className={classes.time}>
        {time} · {formatDuration(numberIn(row, 'duration'))}
      </p>
      <p className={classes.outcome} data-outcome={textIn(row, 'outcome')}>
        {outcomeSummary(row)}
      </p>
      <CopyText text={toCurl(row)} title="Copy as curl" />
    </header>
  )
}

function outcomeSummary(row: DetailRow): string {
  const text = (name: string): string => textIn(row, name)
  const reason = text('reason') === '' ? '' : ` (${text('reason')})`
  switch (text('outcome')) {
    case 'denied':
      return `Denied by ${text('denied_by') || 'the gateway'}${reason}; not forwarded to the service.`
    case 'failed':
      return `Failed${reason}: ${text('service') || 'the service'} returned no valid response.`
    default:
      return `Allowed; ${text('service') || 'the service'} returned ${text('upstream_status') || text('status')}.`
  }
}

/** The parts of a request's duration, one after the other. */
function Waterfall({ timing }: { readonly timing: Timing }) {
  const { gateway, upstream, receive, duration } = timing
  const total = Math.max(duration, gateway + upstream + receive, 0.001)
  const parts: readonly { part: Part; title: string; start: number }[] = [
    { part: 'gateway', title: 'Gateway', start: 0 },
    { part: 'upstream', title: 'Waiting for response', start: gateway },
    { part: 'receive', title: 'Receiving response', start: gateway + upstream },
  ]
  return (
    <section>
      <h3 className={classes.waterfallTitle}>Timing</h3>
      {parts.map(({ part, title, start }) => (
        <div key={part} className={classes.row}>
          <span className={classes.name}>{title}</span>
          <span className={classes.track}>
            <span
              className={classes.bar}
              style={{
                left: `${(start / total) * 100}%`,
                width: `max(2px, ${(timing[part] / total) * 100}%)`,
                background: `var(--timing-${part})`,
              }}
            />
          </span>
          <span className={classes.value}>{formatDuration(timing[part])}</span>
        </div>
      ))}
    </section>
  )
}

type FieldRowProps = {
  readonly field: DetailField
  readonly cell: Cell
  readonly view: PageView
}

/** A field with controls that filter by it; nothing when it is empty. */
function FieldRow({ field, cell, view }: FieldRowProps) {
  const { member, title, mono, filter } = field
  const value = cellText(member, cell)
  if (value === '') return null
  return (
    <div className={classes.field}>
      <dt>{title}</dt>
      <dd data-mono={mono || undefined}>{value}</dd>
      {filter !== false && <FilterLinks member={member} value={value} view={view} />}
    </div>
  )
}

/** The masked fields of a group, with the reason. */
function MaskedFields({ fields, reason }: MaskedFieldsProps) {
  return (
    <p className={classes.masked}>
      <Masked reason={reason} /> {fields.map(({ title }) => title).join(', ')}
      <small>{reason}</small>
    </p>
  )
}

type MaskedFieldsProps = { readonly fields: readonly DetailField[]; readonly reason: string }

/** Members for which zero means none. */
const absentWhenZero = ['tries', 'upstream_status']

function cellText(member: string, cell: Cell): string {
  if (cell === 0 && absentWhenZero.includes(member)) return ''
  if (typeof cell === 'number' && member.endsWith('_bytes')) return formatBytes(cell)
  return Array.isArray(cell) ? cell.join(', ') : String(cell ?? '')
}

type FilterLinksProps = {
  readonly member: string
  readonly value: string
  readonly view: PageView
}

function FilterLinks({ member, value, view }: FilterLinksProps) {
  const choices = [
    { exclude: false, label: 'Filter by this value', Glyph: IconFilterPlus },
    { exclude: true, label: 'Exclude this value', Glyph: IconCircleMinus },
  ]
  return (
    <span className={classes.links}>
      {choices.map(({ exclude, label, Glyph }) => (
        <Tooltip key={label} label={label}>
          <UnstyledButton
            aria-label={`${label}: ${member} ${value}`}
            onClick={() => view.toggle({ member, value, exclude })}
          >
            <Glyph size={15} stroke={1.7} />
          </UnstyledButton>
        </Tooltip>
      ))}
    </span>
  )
}
