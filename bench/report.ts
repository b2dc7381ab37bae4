import { cpus, loadavg, release } from 'node:os'

/** Names are in snake_case and include their units. */
export type Row = { readonly case: string; readonly subject: string } & Readonly<
  Record<string, string | number>
>

/** A point of a figure over time, or of one figure by another. */
export type Point = readonly [x: number, y: number]

/** A figure over time: seconds and values. */
export type Series = {
  readonly case: string
  readonly subject: string
  readonly figure: string
  readonly points: readonly Point[]
}

export type Report = {
  readonly rows: readonly Row[]
  readonly series?: readonly Series[]
  readonly notes: readonly string[]
  /** Violations; any of them fails the run. */
  readonly violations?: readonly string[]
}

export type BenchOptions = {
  /** Rounds per subject and case; the median is reported. */
  readonly rounds: number
  /** Duration of one measurement. */
  readonly seconds: number
  /** Number of samples in benchmarks that sample. */
  readonly samples: number
  /** Selects cases whose names contain this text; '' for all. */
  readonly only: string
  /** Duration of a soak. */
  readonly minutes: number
  /** Sizes of configurations; empty for those of the benchmark. */
  readonly sizes: readonly number[]
  /** Numbers of workers. */
  readonly workers: readonly number[]
  /** Seconds after the end of a load until memory is read again. */
  readonly settle: number
  /** Generated events. */
  readonly events: number
  /** Data directory of a benchmark, reused by later runs; '' for a temporary directory. */
  readonly directory: string
  /** Receives progress messages. */
  readonly onProgress: (line: string) => void
}

export const renderJson = (bench: string, report: Report): string =>
  JSON.stringify({ bench, rows: report.rows, series: report.series })

/** A table, series in short, and a description of the machine. */
export function renderTable(report: Report): string {
  const series = (report.series ?? []).map(renderSeries)
  return [renderRows(report.rows), '', ...series, ...report.notes, machine()].join('\n')
}

function renderRows(rows: readonly Row[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const lines = [columns, ...rows.map((row) => columns.map((name) => cell(row[name])))]
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]!.length)))
  const rendered = lines.map((line) =>
    line
      .map((text, index) =>
        index < 2 ? text.padEnd(widths[index]!) : text.padStart(widths[index]!),
      )
      .join('  ')
      .trimEnd(),
  )
  return rendered.join('\n')
}

const maxPrintedPoints = 8

const renderSeries = ({ case: name, subject, figure, points }: Series): string =>
  `${name}, ${subject}, ${figure}: ${evenlySpaced(points, maxPrintedPoints)
    .map(([second, value]) => `${cell(rounded(value))} (${rounded(second)} s)`)
    .join(' ')}`

/** At most `count` of the values, among them the first and the last. */
export const evenlySpaced = <Value>(values: readonly Value[], count: number): Value[] =>
  values.length <= count
    ? [...values]
    : Array.from(
        { length: count },
        (_, at) => values[Math.round((at * (values.length - 1)) / (count - 1))] as Value,
      )

const cell = (value: string | number | undefined): string =>
  typeof value === 'number' ? value.toLocaleString('en-US') : (value ?? '')

function machine(): string {
  const [first] = cpus()
  return `${cpus().length} × ${first?.model.trim() ?? 'unknown CPU'}, Linux ${release()}, Node ${process.versions.node}, load average ${loadavg()
    .map((value) => rounded(value, 1))
    .join(' ')}`
}

/** The lower median. */
export const median = (values: readonly number[]): number => quantile(values, 0.5)

/** The least value with at least `share` of the values at or below it. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

/** The slope of the line that fits the points best by least squares; 0 for points of one x. */
export function slopeOf(points: readonly Point[]): number {
  const middle = mean(points.map(([x]) => x))
  const level = mean(points.map(([, y]) => y))
  const spread = points.reduce((sum, [x]) => sum + (x - middle) ** 2, 0)
  const shared = points.reduce((sum, [x, y]) => sum + (x - middle) * (y - level), 0)
  return spread === 0 ? 0 : shared / spread
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

export const rounded = (value: number, digits = 0): number => Number(value.toFixed(digits))
