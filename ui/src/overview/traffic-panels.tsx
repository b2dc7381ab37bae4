import type { LiveAnswers } from '../view/use-live-answers.ts'
import { bucketOf, domainOf, type TimeRange } from '../view/time-range.ts'
import { useNow } from '../view/use-now.ts'
import type { PageView } from '../view/use-page-view.ts'
import { StatStrip } from './stat-strip.tsx'
import { TrafficCharts } from './traffic-charts.tsx'

/** What the panels of some traffic show. */
type TrafficPanelsProps = {
  /** Answers to the trafficQuestions. */
  readonly live: LiveAnswers
  readonly view: PageView
  /** Of each chart, in pixels. */
  readonly height: number
}

/** Numbers and charts of some traffic, moving with the time while they are live. */
export function TrafficPanels({ live, view, height }: TrafficPanelsProps) {
  const { range } = view
  const now = useNow(view.live)
  const totals = live.told('totals')
  return (
    <>
      <StatStrip
        totals={totals.answer}
        previous={live.told('previous').answer}
        series={live.told('series').answer}
        before={wordsBefore(range)}
      />
      <TrafficCharts
        statuses={live.told('statuses')}
        series={live.told('series')}
        totals={totals.answer}
        domain={domainOf(range, now)}
        bucket={bucketOf(range).milliseconds}
        height={height}
        onZoom={(from, to) => view.setRange({ kind: 'between', from, to })}
      />
    </>
  )
}

const wordsBefore = (range: TimeRange): string =>
  range.kind === 'last' ? `the ${range.preset.title} before` : 'the same time before'
