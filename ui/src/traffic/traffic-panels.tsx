import { Skeleton, useComputedColorScheme } from '@mantine/core'
import { memo, useCallback, useMemo } from 'react'
import type { Answer } from '../../../src/schema/answer.ts'
import type { TimeChartInput } from '../charts/chart-option.ts'
import { fillBuckets, pointsByValue, pointsOf, type Series } from '../charts/chart-series.ts'
import { Legend } from '../charts/legend.tsx'
import { TimeChart } from '../charts/time-chart.tsx'
import { formatCount, formatDuration, absent } from '../format/format.ts'
import { Panel } from '../layout/panel.tsx'
import { palettes, type Percentile, statusClasses } from '../styles/palette.ts'
import { chooseBucket, toDomain, type TimeRange } from '../view/time-range.ts'
import type { LiveResult, LiveResults } from '../view/use-live-queries.ts'
import { useNow } from '../view/use-now.ts'
import type { PageView } from '../view/use-page-view.ts'
import { CompletenessNote } from './completeness-note.tsx'
import { StatStrip } from './stat-strip.tsx'
import classes from './traffic-panels.module.css'

type TrafficPanelsProps = {
  /** Results of the trafficQueries. */
  readonly live: LiveResults
  readonly view: PageView
  /** Height of each chart in pixels. */
  readonly height: number
}

/** Totals and charts; while live they move with the time. */
export function TrafficPanels({ live, view, height }: TrafficPanelsProps) {
  const { range, setRange } = view
  const now = useNow(view.live ? tickInterval(range) : undefined)
  const domain = useMemo(() => toDomain(range, now), [range, now])
  const totals = live.result('totals')
  const onZoom = useCallback(
    (from: number, to: number) => setRange({ kind: 'between', from, to }),
    [setRange],
  )
  return (
    <>
      <StatStrip
        totals={totals.answer}
        previous={live.result('previous').answer}
        series={live.result('series').answer}
        previousLabel={previousLabel(range)}
      />
      <TrafficCharts
        statuses={live.result('statuses')}
        series={live.result('series')}
        totals={totals.answer}
        domain={domain}
        bucket={chooseBucket(range).milliseconds}
        height={height}
        onZoom={onZoom}
      />
      <CompletenessNote end={domain[1]} now={now} />
    </>
  )
}

/** Milliseconds in which a chart moves by about one pixel. */
function tickInterval(range: TimeRange): number {
  const [from, to] = toDomain(range, 0)
  return Math.max(1000, (to - from) / 900)
}

const previousLabel = (range: TimeRange): string =>
  range.kind === 'last' ? `previous ${range.preset.title}` : 'previous period'

type TrafficChartsProps = {
  readonly statuses: LiveResult
  readonly series: LiveResult
  readonly totals: Answer | undefined
  readonly domain: readonly [number, number]
  readonly bucket: number
  readonly height: number
  readonly onZoom: (from: number, to: number) => void
}

/** Requests by status class and latency over time, side by side. */
const TrafficCharts = memo(function TrafficCharts(props: TrafficChartsProps) {
  return (
    <div className={classes.charts}>
      <StatusChart {...props} />
      <LatencyChart {...props} />
    </div>
  )
})

function StatusChart({ statuses, domain, bucket, height, onZoom }: TrafficChartsProps) {
  const palette = palettes[useComputedColorScheme('light', { getInitialValueInEffect: false })]
  const groups = pointsByValue(statuses.answer, 'requests.count', 'requests.status_class')
  const shown = statusClasses.filter((name) => name !== '1xx' || groups.has(name))
  const series = shown.map((name): Series => ({
    name,
    color: palette.status[name],
    points: fillBuckets(groups.get(name) ?? [], domain, bucket, 0),
  }))
  const entries = series.map(({ name, color }) => {
    const total = (groups.get(name) ?? []).reduce((sum, [, value]) => sum + (value ?? 0), 0)
    return { name, color, value: formatCount(total) }
  })
  return (
    <Panel title="Requests by status" stale={statuses.stale} aside={<Legend entries={entries} />}>
      <Plot
        result={statuses}
        height={height}
        label={`Requests by status over time: ${entries.map(({ name, value }) => `${name} ${value}`).join(', ')}`}
        input={{ kind: 'stack', series, domain, bucket, format: formatCount }}
        onZoom={onZoom}
      />
    </Panel>
  )
}

const percentiles: readonly Percentile[] = ['p50', 'p95', 'p99']

function LatencyChart(props: TrafficChartsProps) {
  const { series: result, totals, domain, bucket, height, onZoom } = props
  const palette = palettes[useComputedColorScheme('light', { getInitialValueInEffect: false })]
  const series = percentiles.map((name): Series => ({
    name,
    color: palette.percentile[name],
    points: fillBuckets(pointsOf(result.answer, `requests.duration_${name}`), domain, bucket, null),
  }))
  const entries = series.map(({ name, color }) => {
    const value = totals?.data[0]?.[`requests.duration_${name}`]
    return { name, color, value: typeof value === 'number' ? formatDuration(value) : absent }
  })
  return (
    <Panel title="Latency" stale={result.stale} aside={<Legend entries={entries} />}>
      <Plot
        result={result}
        height={height}
        label={`Latency over time: ${entries.map(({ name, value }) => `${name} ${value}`).join(', ')}`}
        input={{ kind: 'lines', series, domain, bucket, format: formatDuration }}
        onZoom={onZoom}
      />
    </Panel>
  )
}

type PlotProps = {
  readonly result: LiveResult
  readonly label: string
  readonly height: number
  readonly input: TimeChartInput
  readonly onZoom: (from: number, to: number) => void
}

function Plot({ result, label, height, input, onZoom }: PlotProps) {
  if (result.problem !== undefined)
    return (
      <p className={classes.problem} style={{ height }}>
        {result.problem.message}
      </p>
    )
  if (result.answer === undefined) return <Skeleton height={height - 12} mt={8} />
  const isEmpty = input.series.every(({ points }) => points.every(([, value]) => !value))
  return (
    <div className={classes.plot}>
      <TimeChart {...input} label={label} height={height} onZoom={onZoom} />
      {isEmpty && <p className={classes.empty}>No requests in this time range</p>}
    </div>
  )
}
