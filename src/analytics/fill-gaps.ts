import type { Cell } from '../schema/answer.ts'
import type { Granularity } from '../schema/query.ts'
import { nextBucket, startOfBucket } from './buckets.ts'
import { bucketOf, type Plan } from './plan.ts'

/** The cells of one row, in the order of the plan's columns; times are milliseconds. */
export type Cells = readonly Cell[]

/** How many rows an answer may grow to. */
const most = 50_000

/** Rows for the buckets in which nothing happened, for each group, up to now; `left` says why there are none where there might be. */
export function fillGaps(
  plan: Plan,
  rows: readonly Cells[],
  isCut: boolean,
): { readonly rows: readonly Cells[]; readonly left?: string } {
  const bucket = bucketOf(plan)
  const hasMeasures = plan.columns.some(({ member }) => member.kind === 'measure')
  if (bucket === undefined || plan.range === undefined || !hasMeasures) return { rows }
  // A group that a condition took away, or that did not fit, is not an empty one.
  if (plan.ungrouped || plan.having.length > 0) return { rows }
  if (isCut || plan.offset > 0) return { rows, left: 'Empty intervals are left out.' }
  const at = plan.columns.indexOf(bucket)
  const groups = groupRows(plan, rows, at)
  const limit = Math.floor(most / Math.max(1, groups.size))
  const starts = bucketStarts(plan, bucket.granularity, limit)
  if (starts === undefined)
    return { rows, left: 'Empty intervals are left out, because there are too many.' }
  const expected = new Set<unknown>(starts)
  const filled = [...groups.values()].flatMap((group) => {
    const known = new Map(group.map((row) => [row[at], row]))
    const [first] = group
    return [
      ...starts.map((start) => known.get(start) ?? emptyRow(plan, first, { at, start })),
      ...group.filter((row) => !expected.has(row[at])),
    ]
  })
  return { rows: filled.toSorted(byOrder(plan)) }
}

/** Rows by the values of their dimensions but the bucket; without other dimensions there is one group even without rows. */
function groupRows(plan: Plan, rows: readonly Cells[], bucket: number): Map<string, Cells[]> {
  const keys = plan.columns.flatMap(({ member }, at) =>
    member.kind === 'dimension' && at !== bucket ? [at] : [],
  )
  const groups = Map.groupBy(rows, (row) => JSON.stringify(keys.map((at) => row[at])))
  if (keys.length === 0 && groups.size === 0) groups.set('[]', [])
  return groups
}

/** When the buckets of the range begin that have begun; undefined when there are more than the limit. */
function bucketStarts(
  { range, zone, now }: Plan,
  granularity: Granularity,
  limit: number,
): readonly number[] | undefined {
  const starts: number[] = []
  if (range === undefined) return starts
  const end = now > range.from ? Math.min(range.to, now) : range.to
  let start = startOfBucket(zone, granularity, range.from)
  for (; start < end; start = nextBucket(zone, granularity, start)) {
    if (starts.length >= limit) return undefined
    starts.push(start)
  }
  return starts
}

const emptyRow = (
  plan: Plan,
  like: Cells | undefined,
  { at, start }: { readonly at: number; readonly start: number },
): Cells =>
  plan.columns.map(({ member }, column) => {
    if (column === at) return start
    return member.kind === 'measure' ? member.empty : (like?.[column] ?? null)
  })

/** The plan's order; what is null comes last, as in the engine. */
const byOrder =
  ({ order }: Plan) =>
  (one: Cells, other: Cells): number => {
    for (const { column, direction } of order) {
      const [a, b] = [one[column] ?? null, other[column] ?? null]
      if (a === null || b === null) {
        if (a !== b) return a === null ? 1 : -1
        continue
      }
      const sign = compare(a, b)
      if (sign !== 0) return direction === 'asc' ? sign : -sign
    }
    return 0
  }

function compare(one: NonNullable<Cell>, other: NonNullable<Cell>): number {
  if (typeof one === 'number' && typeof other === 'number') return one - other
  return Buffer.compare(bytes(one), bytes(other))
}

const bytes = (cell: NonNullable<Cell>): Buffer =>
  Buffer.from(typeof cell === 'string' ? cell : JSON.stringify(cell))
