import type { EChartsCoreOption } from 'echarts/core'
import type { Palette } from '../styles/palette.ts'
import { isolatedPoints, type Point, type Series } from './chart-series.ts'
import { tooltipContent } from './tooltip-content.ts'

/** Data of a time chart. */
export type TimeChartInput = {
  readonly kind: 'stack' | 'lines'
  readonly series: readonly Series[]
  readonly domain: readonly [number, number]
  /** Milliseconds of one bucket. */
  readonly bucket: number
  readonly format: (value: number) => string
}

/** Space around the plot in pixels; the drag-to-zoom layer lies exactly on the plot. */
export const plotInset = { left: 52, right: 18, top: 10, bottom: 24 } as const

/** The ECharts option of a time chart. */
export function chartOption(input: TimeChartInput, palette: Palette): EChartsCoreOption {
  const { kind, series, domain, bucket, format } = input
  return {
    animation: false,
    aria: { enabled: true },
    textStyle: { fontFamily: 'Inter Variable, system-ui, sans-serif' },
    grid: { ...plotInset, outerBoundsMode: 'none' },
    xAxis: timeAxis(domain, palette),
    yAxis: valueAxis(input, palette),
    tooltip: {
      trigger: 'axis',
      transitionDuration: 0,
      confine: true,
      backgroundColor: palette.raised,
      borderColor: palette.line,
      borderRadius: 7,
      padding: [8, 10],
      textStyle: { color: palette.text, fontSize: 12 },
      axisPointer: { type: 'line', lineStyle: { color: palette.dim, width: 1, type: 'solid' } },
      formatter: (parameters: unknown) => tooltipContent(parameters, bucket, format),
    },
    series: series.map((one) => (kind === 'stack' ? bar(one, bucket) : line(one, bucket))),
  }
}

function timeAxis(domain: readonly [number, number], palette: Palette) {
  return {
    type: 'time',
    min: domain[0],
    max: domain[1],
    axisLine: { lineStyle: { color: palette.line } },
    axisTick: { show: false },
    splitLine: { show: false },
    axisLabel: {
      color: palette.dim,
      fontSize: 11,
      hideOverlap: true,
      showMinLabel: false,
      showMaxLabel: false,
      formatter: {
        year: '{yyyy}',
        month: '{MMM} {yyyy}',
        day: '{MMM} {d}',
        hour: '{HH}:{mm}',
        minute: '{HH}:{mm}',
        second: '{HH}:{mm}:{ss}',
      },
    },
  }
}

function valueAxis({ kind, format }: TimeChartInput, palette: Palette) {
  return {
    type: 'value',
    min: 0,
    // Stacks show counts, which are integers.
    ...(kind === 'stack' ? { minInterval: 1 } : {}),
    splitNumber: 3,
    axisLabel: {
      color: palette.dim,
      fontSize: 11,
      formatter: (value: number) => format(value),
    },
    splitLine: { lineStyle: { color: palette.line } },
  }
}

/** Points are drawn at the middle of their bucket. */
const centered = (points: readonly Point[], bucket: number) =>
  points.map(([time, value]) => [time + bucket / 2, value])

const bar = ({ name, color, points }: Series, bucket: number) => ({
  name,
  type: 'bar',
  stack: 'all',
  barCategoryGap: '18%',
  itemStyle: { color },
  emphasis: { disabled: true },
  data: centered(points, bucket),
})

const line = ({ name, color, points }: Series, bucket: number) => ({
  name,
  type: 'line',
  showSymbol: false,
  symbol: 'circle',
  symbolSize: 5,
  connectNulls: false,
  lineStyle: { color, width: 1.6, join: 'round' },
  itemStyle: { color },
  emphasis: { disabled: true },
  data: centered(points, bucket),
  // A line needs two points.
  markPoint: {
    symbol: 'circle',
    symbolSize: 4,
    silent: true,
    label: { show: false },
    data: centered(isolatedPoints(points), bucket).map((coord) => ({ coord })),
  },
})
