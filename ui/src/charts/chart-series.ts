import type { Answer } from '../../../src/schema/answer.ts'

/** A value at a time (milliseconds since the epoch); null when there is none. */
export type Point = readonly [time: number, value: number | null]

/** A line, or a layer of a stack. */
export type Series = {
  readonly name: string
  readonly color: string
  readonly points: readonly Point[]
}

const timeMember = 'requests.time'

/** Cube appends the granularity to the name of a time dimension. */
function timeOf(row: Answer['data'][number], granularity: string | undefined): number {
  const cell = row[`${timeMember}.${granularity}`] ?? row[timeMember]
  return Date.parse(String(cell))
}

/** A measure of an answer over time. */
export function pointsOf(answer: Answer | undefined, measure: string): Point[] {
  const granularity = answer?.query.timeDimensions[0]?.granularity
  return (answer?.data ?? []).map((row) => {
    const value = row[measure]
    return [timeOf(row, granularity), typeof value === 'number' ? value : null]
  })
}

/** A measure of an answer over time, for each value of a dimension. */
export function pointsByValue(
  answer: Answer | undefined,
  measure: string,
  dimension: string,
): ReadonlyMap<string, readonly Point[]> {
  const granularity = answer?.query.timeDimensions[0]?.granularity
  const groups = new Map<string, Point[]>()
  for (const row of answer?.data ?? []) {
    const value = String(row[dimension] ?? '')
    const points = groups.get(value) ?? []
    const count = row[measure]
    points.push([timeOf(row, granularity), typeof count === 'number' ? count : null])
    groups.set(value, points)
  }
  return groups
}

/** One point for every bucket of a domain; buckets without a row get `empty`. */
export function fillBuckets(
  points: readonly Point[],
  domain: readonly [number, number],
  bucket: number,
  empty: number | null,
): Point[] {
  const known = new Map(points)
  const first = Math.floor(domain[0] / bucket) * bucket
  const count = Math.max(0, Math.ceil((domain[1] - first) / bucket))
  return Array.from({ length: count }, (_, index) => {
    const time = first + index * bucket
    return [time, known.get(time) ?? empty]
  })
}

/** The values without a value before and after them. */
export const isolatedPoints = (points: readonly Point[]): Point[] =>
  points.filter(
    ([, value], index) =>
      value !== null &&
      (points[index - 1]?.[1] ?? null) === null &&
      (points[index + 1]?.[1] ?? null) === null,
  )
