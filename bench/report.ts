import { cpus, release } from 'node:os'

/** One measured line; names are in snake_case and carry their units. */
export type Row = { readonly case: string; readonly subject: string } & Readonly<
  Record<string, string | number>
>

/** What a benchmark gives back. */
export type Report = {
  readonly rows: readonly Row[]
  readonly notes: readonly string[]
  /** What should not have been; any of them fails the run. */
  readonly violations?: readonly string[]
}

/** What a benchmark is told. */
export type BenchOptions = {
  /** How often each subject is measured in each case; the median is reported. */
  readonly rounds: number
  /** Length of one measurement. */
  readonly seconds: number
  /** How many single samples are taken, where a benchmark takes them. */
  readonly samples: number
  /** Part of the name of the cases to run; '' for all. */
  readonly only: string
  /** How long a soak lasts. */
  readonly minutes: number
  /** Where progress is told. */
  readonly tell: (line: string) => void
}

/** The report as one JSON object. */
export const renderJson = (bench: string, report: Report): string =>
  JSON.stringify({ bench, rows: report.rows })

/** The report as a table for people, with the machine it was measured on. */
export function renderTable(report: Report): string {
  const columns = [...new Set(report.rows.flatMap((row) => Object.keys(row)))]
  const lines = [columns, ...report.rows.map((row) => columns.map((name) => cell(row[name])))]
  const widths = columns.map((_, index) => Math.max(...lines.map((line) => line[index]!.length)))
  const rendered = lines.map((line) =>
    line
      .map((text, index) =>
        index < 2 ? text.padEnd(widths[index]!) : text.padStart(widths[index]!),
      )
      .join('  ')
      .trimEnd(),
  )
  return [...rendered, '', ...report.notes, machine()].join('\n')
}

const cell = (value: string | number | undefined): string =>
  typeof value === 'number' ? value.toLocaleString('en-US') : (value ?? '')

function machine(): string {
  const [first] = cpus()
  return `${cpus().length} × ${first?.model.trim() ?? 'unknown CPU'}, Linux ${release()}, Node ${process.versions.node}`
}

/** The middle of the values; of two middles the lower. */
export const median = (values: readonly number[]): number => quantile(values, 0.5)

/** The value below or at which `share` of the values lie. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

/** Rounded to `digits` after the point. */
export const rounded = (value: number, digits = 0): number => Number(value.toFixed(digits))
