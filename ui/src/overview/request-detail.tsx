import { CopyText } from '../parts/copy-text.tsx'
import { formatDate, formatDuration } from '../parts/format.ts'
import { StatusBadge } from '../parts/status-badge.tsx'
import { useMasks } from '../parts/use-masks.ts'
import type { PageView } from '../view/use-page-view.ts'
import { curlOf } from './curl-of.ts'
import { detailGroups } from './detail-facts.ts'
import { numberIn, textIn, type DetailRow } from './detail-row.ts'
import { Fact, MaskedFacts } from './fact.tsx'
import classes from './request-detail.module.css'
import { timingOf } from './request-row.ts'
import { sentenceOfOutcome } from './sentence-of-outcome.ts'
import { Waterfall } from './waterfall.tsx'

/** What a RequestDetail shows, and the view its links filter. */
type RequestDetailProps = { readonly row: DetailRow; readonly view: PageView }

/** Everything about one request: what decided, where its time went, who asked, and where it went. */
export function RequestDetail({ row, view }: RequestDetailProps) {
  return (
    <article className={classes.detail}>
      <Summary row={row} />
      <Waterfall timing={timingOf(row)} />
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
      {reason !== undefined && <MaskedFacts facts={masked} reason={reason} />}
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
        {sentenceOfOutcome(row)}
      </p>
      <CopyText text={curlOf(row)} title="Copy as curl" />
    </header>
  )
}
