import { cpus, release } from 'node:os'

/** Names are in snake_case and include their units. */
export type Row = { readonly case: string; readonly subject: string } & Readonly<
  Record<string, string | number>
>

export type Report = {
  readonly rows: readonly Row[]
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
  /** Receives progress messages. */
  readonly onProgress: (line: string) => void
}

export const renderJson = (bench: string, report: Report): string =>
  JSON.stringify({ bench, rows: report.rows })

/** A table with a description of the machine. */
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

/** The lower median. */
export const median = (values: readonly number[]): number => quantile(values, 0.5)

/** The least value with at least `share` of the values at or below it. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

export const rounded = (value: number, digits = 0): number => Number(value.toFixed(digits))
