import { useCallback, useMemo } from 'react'
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
  const { range, setRange } = view
  const now = useNow(view.live ? tickOf(range) : undefined)
  const domain = useMemo(() => domainOf(range, now), [range, now])
  const totals = live.told('totals')
  const onZoom = useCallback(
    (from: number, to: number) => setRange({ kind: 'between', from, to }),
    [setRange],
  )
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
        domain={domain}
        bucket={bucketOf(range).milliseconds}
        height={height}
        onZoom={onZoom}
      />
    </>
  )
}

/** Charts move by about one pixel at a time. */
function tickOf(range: TimeRange): number {
  const [from, to] = domainOf(range, 0)
  return Math.max(1000, (to - from) / 900)
}

const wordsBefore = (range: TimeRange): string =>
  range.kind === 'last' ? `the ${range.preset.title} before` : 'the same time before'
