import type { Cell } from '../schema/answer.ts'
import { bucketOf, type Plan } from './plan.ts'

/** The cells of one row, in the order of the plan's columns; times are milliseconds. */
export type Cells = readonly Cell[]

const maxRows = 50_000

/** Adds rows for empty buckets up to now, in each group. The notice says why none were added where some may be missing. */
export function fillGaps(
  plan: Plan,
  rows: readonly Cells[],
  isCut: boolean,
): { readonly rows: readonly Cells[]; readonly notice?: string } {
  const bucket = bucketOf(plan)
  if (bucket === undefined || !isFillable(plan)) return { rows }
  if (isCut || plan.offset > 0) return { rows, notice: 'Empty intervals are omitted.' }
  const at = plan.columns.indexOf(bucket)
  const groups = groupRows(plan, rows, at)
  const starts = plan.starts?.filter((start) => start < plan.now)
  if (starts === undefined || starts.length * groups.size > maxRows)
    return { rows, notice: 'Empty intervals are omitted because there are too many.' }
  const expected = new Set<unknown>(starts)
  const filled = [...groups.values()].flatMap((group) => {
    const known = new Map(group.map((row) => [row[at], row]))
    const [first] = group
    return [
      ...starts.map((start) => known.get(start) ?? emptyRow(plan, first, at, start)),
      ...group.filter((row) => !expected.has(row[at])),
    ]
  })
  return { rows: filled.toSorted(byOrder(plan)) }
}

/** Whether a bucket that is not in the answer has no rows: HAVING also removes buckets with rows. */
const isFillable = ({ range, ungrouped, having, columns }: Plan): boolean =>
  range !== undefined &&
  !ungrouped &&
  having.length === 0 &&
  columns.some(({ member }) => member.kind === 'measure') &&
  columns.every(
    ({ member, granularity }) =>
      member.type !== 'time' || granularity !== undefined || member.kind === 'measure',
  )

/** Rows by their dimensions except the bucket. Without other dimensions there is always one group. */
function groupRows(plan: Plan, rows: readonly Cells[], bucket: number): Map<string, Cells[]> {
  const keys = plan.columns.flatMap(({ member }, at) =>
    member.kind === 'dimension' && at !== bucket ? [at] : [],
  )
  const groups = Map.groupBy(rows, (row) => JSON.stringify(keys.map((at) => row[at])))
  if (keys.length === 0 && groups.size === 0) groups.set('[]', [])
  return groups
}

const emptyRow = (plan: Plan, sample: Cells | undefined, at: number, start: number): Cells =>
  plan.columns.map(({ member }, column) => {
    if (column === at) return start
    return member.kind === 'measure' ? member.empty : (sample?.[column] ?? null)
  })

/** The order of the plan; as in the engine, null comes last and strings compare by bytes. */
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
