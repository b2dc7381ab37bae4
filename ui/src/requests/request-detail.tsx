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

/** What a RequestDetail shows, and the view its links filter. */
type RequestDetailProps = { readonly row: DetailRow; readonly view: PageView }

/** Everything about one request: what decided, where its time went, who asked, and where it went. */
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
  const masked = group.facts.filter(({ member }) => masks.reasonFor(member) !== undefined)
  const reason = masks.reasonFor(masked[0]?.member ?? '')
  return (
    <section>
      <h3 className={classes.title}>{group.title}</h3>
      <dl className={classes.list}>
        {group.facts
          .filter((fact) => !masked.includes(fact))
          .map((fact) => (
            <Fact
              key={fact.member}
              fact={fact}
              cell={row[`requests.${fact.member}`] ?? null}
              view={view}
            />
          ))}
      </dl>
      {reason !== undefined && <MaskedFields facts={masked} reason={reason} />}
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
      <p className={classes.when}>
        {time} · {formatDuration(numberIn(row, 'duration'))}
      </p>
      <p className={classes.outcome} data-outcome={textIn(row, 'outcome')}>
        {outcomeSummary(row)}
      </p>
      <CopyText text={toCurl(row)} title="Copy as curl" />
    </header>
  )
}

/** What became of a request, in one sentence. */
function outcomeSummary(row: DetailRow): string {
  const text = (name: string): string => textIn(row, name)
  const reason = text('reason') === '' ? '' : ` (${text('reason')})`
  switch (text('outcome')) {
    case 'denied':
      return `Denied by ${text('denied_by') || 'the gateway'}${reason}; the service was not asked.`
    case 'failed':
      return `Failed${reason}: ${text('service') || 'the service'} gave no usable answer.`
    default:
      return `Allowed; ${text('service') || 'the service'} answered ${text('upstream_status') || text('status')}.`
  }
}

/** Where the time of a request went, one part after the other. */
function Waterfall({ timing }: { readonly timing: Timing }) {
  const { gateway, upstream, receive, duration } = timing
  const total = Math.max(duration, gateway + upstream + receive, 0.001)
  const parts: readonly { part: Part; title: string; start: number }[] = [
    { part: 'gateway', title: 'Gateway', start: 0 },
    { part: 'upstream', title: 'Waiting for the service', start: gateway },
    { part: 'receive', title: 'Receiving its answer', start: gateway + upstream },
  ]
  return (
    <section>
      <h3 className={classes.waterfallTitle}>Where the time went</h3>
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

/** What a Fact says. */
type FactProps = {
  readonly fact: DetailField
  readonly cell: Cell
  readonly view: PageView
}

/** One name and its value, with links that filter by it; left out when it is empty. */
function Fact({ fact, cell, view }: FactProps) {
  const { member, title, mono, filter } = fact
  const words = wordsOf(member, cell)
  if (words === '') return null
  return (
    <div className={classes.fact}>
      <dt>{title}</dt>
      <dd data-mono={mono || undefined}>{words}</dd>
      {filter !== false && <FilterLinks member={member} value={words} view={view} />}
    </div>
  )
}

/** What is masked of a group of facts, in one line with the reason. */
function MaskedFields({ facts, reason }: MaskedFieldsProps) {
  return (
    <p className={classes.masked}>
      <Masked reason={reason} /> {facts.map(({ title }) => title).join(', ')}
      <small>{reason}</small>
    </p>
  )
}

type MaskedFieldsProps = { readonly facts: readonly DetailField[]; readonly reason: string }

/** Of these, zero means that there was none. */
const noneWhenZero = ['tries', 'upstream_status']

function wordsOf(member: string, cell: Cell): string {
  if (cell === 0 && noneWhenZero.includes(member)) return ''
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
    { exclude: false, words: 'Only this', Glyph: IconFilterPlus },
    { exclude: true, words: 'Exclude this', Glyph: IconCircleMinus },
  ]
  return (
    <span className={classes.links}>
      {choices.map(({ exclude, words, Glyph }) => (
        <Tooltip key={words} label={words}>
          <UnstyledButton
            aria-label={`${words}: ${member} ${value}`}
            onClick={() => view.toggle({ member, value, exclude })}
          >
            <Glyph size={15} stroke={1.7} />
          </UnstyledButton>
        </Tooltip>
      ))}
    </span>
  )
}
