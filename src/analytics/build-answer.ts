import { maySeeNamed, maySeeWorkspace } from '../access/visible.ts'
import type { Answer, Annotations, Cell } from '../schema/answer.ts'
import type { Row } from '../warehouse/open-warehouse.ts'
import type { Scope } from './build-scope.ts'
import { fillGaps, type Cells } from './fill-gaps.ts'
import type { GovernedPlan } from './govern-plan.ts'
import { comparisonsIn, type PlanColumn } from './plan.ts'

/** The answer to a question from the rows that its statement gave. */
export function buildAnswer(
  plan: GovernedPlan,
  scope: Scope,
  found: readonly Row[],
): Omit<Answer, 'freshUntil'> {
  const isCut = found.length > plan.limit
  const cells = found
    .slice(0, plan.limit)
    .map((row) => plan.columns.map((_, at) => (row[`c${at}`] ?? null) as Cell))
  const { rows, left } = fillGaps(plan, cells, isCut)
  return {
    query: plan.query,
    data: rows.map((row) => record(plan.columns, row)),
    annotation: annotate(plan),
    visibility: scope.visibility,
    notices: [
      ...hiddenNotices(plan, scope),
      ...callerNotices(plan, scope),
      ...(isCut ? [`Only the first ${plan.limit} rows are shown.`] : []),
      ...(left === undefined ? [] : [left]),
    ],
  }
}

/** Under a bucket's own name, and, as in Cube, under the bare name of its time dimension too. */
function record(columns: readonly PlanColumn[], row: Cells): Readonly<Record<string, Cell>> {
  const entries = columns.map((column, at): [string, Cell] => [
    keyOf(column),
    shown(column, row[at]),
  ])
  const bare = columns.flatMap((column, at): [string, Cell][] =>
    column.granularity === undefined ? [] : [[column.member.name, shown(column, row[at])]],
  )
  return Object.fromEntries([...bare, ...entries])
}

const keyOf = ({ member, granularity }: PlanColumn): string =>
  granularity === undefined ? member.name : `${member.name}.${granularity}`

function shown({ member, masked }: PlanColumn, cell: Cell | undefined): Cell {
  if (masked || cell === undefined || cell === null) return null
  if (member.type !== 'time') return cell
  // The largest of no times is the epoch.
  return cell === 0 ? null : new Date(Number(cell)).toISOString()
}

function annotate({ columns, query, dataset }: GovernedPlan): Answer['annotation'] {
  const describe = (some: readonly PlanColumn[]): Annotations =>
    Object.fromEntries(
      some.map((column) => {
        const { title, type, format } = column.member
        return [keyOf(column), { title, type, format }]
      }),
    )
  const buckets = columns.filter(({ granularity }) => granularity !== undefined)
  const times = query.timeDimensions.flatMap(
    ({ dimension }) => dataset.members.get(dimension) ?? [],
  )
  const plain = columns.filter(({ granularity }) => granularity === undefined)
  return {
    measures: describe(plain.filter(({ member }) => member.kind === 'measure')),
    dimensions: describe(plain.filter(({ member }) => member.kind === 'dimension')),
    timeDimensions: describe([...times.map((member) => ({ member })), ...buckets]),
  }
}

/** One sentence for each name that a filter asks for and the asker may not see; the same whether it exists or not. */
function hiddenNotices({ where, dataset }: GovernedPlan, { rights }: Scope): readonly string[] {
  if (dataset.policy !== 'traffic') return []
  const asked = comparisonsIn(where).filter(({ operator }) => operator === 'equals')
  const notices = asked.flatMap(({ member, values }) => {
    const short = member.name.slice(dataset.name.length + 1).replace(/_id$/, '')
    if (short !== 'workspace' && short !== 'service' && short !== 'route') return []
    const maySee = (value: string): boolean =>
      short === 'workspace'
        ? maySeeWorkspace(rights, value)
        : maySeeNamed(rights, `${short}s`, value)
    return values
      .map(String)
      .filter((value) => value !== '' && !maySee(value))
      .map((value) => `You may not read ${short} ${value}; if it exists, it is left out here.`)
  })
  return [...new Set(notices)]
}

/** Where callers are known in some rows only. */
function callerNotices({ columns, where }: GovernedPlan, scope: Scope): readonly string[] {
  const { scope: extent, workspaces } = scope.identity
  const members = [...columns, ...comparisonsIn(where)].map(({ member }) => member)
  if (extent !== 'some' || !members.some(({ identity }) => identity)) return []
  if (workspaces.length === scope.rights.workspaces.length) return []
  const where_ = workspaces.length === 0 ? 'nowhere else' : `in ${workspaces.join(', ')} only`
  return [`Callers are shown ${where_}; in other rows they are masked.`]
}
