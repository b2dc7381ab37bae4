import { isEntityVisible, isWorkspaceVisible } from '../access/visible.ts'
import type { Answer, Annotations, Cell } from '../schema/answer.ts'
import type { Row } from '../warehouse/open-warehouse.ts'
import type { Dataset, Member } from './datasets/dataset.ts'
import type { Scope } from './datasets/scope.ts'
import { fillGaps, type Cells } from './fill-gaps.ts'
import type { GovernedPlan } from './govern-plan.ts'
import { comparisonsIn, type PlanColumn } from './plan.ts'

/** Builds the answer to a plan from the rows that its statement returned. */
export function buildAnswer(
  plan: GovernedPlan,
  scope: Scope,
  found: readonly Row[],
): Omit<Answer, 'freshUntil'> {
  const isCut = found.length > plan.limit
  const cells = found
    .slice(0, plan.limit)
    .map((row) => plan.columns.map((_, at) => (row[`c${at}`] ?? null) as Cell))
  const { rows, notice } = fillGaps(plan, cells, isCut)
  return {
    query: plan.query,
    data: rows.map((row) => record(plan.columns, row)),
    annotation: annotate(plan),
    visibility: scope.visibility,
    notices: [
      ...hiddenNotices(plan, scope),
      ...callerNotices(plan, scope),
      ...(isCut ? [`Only the first ${plan.limit} rows are shown.`] : []),
      ...(notice === undefined ? [] : [notice]),
    ],
  }
}

/** As in Cube, a bucket is under `time.granularity` and under the name of its time dimension. */
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
  // max() of no rows is the epoch.
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

/** One sentence for each filtered name that is not visible to the principal, whether it exists or not. */
function hiddenNotices({ where, dataset }: GovernedPlan, scope: Scope): readonly string[] {
  const equals = comparisonsIn(where).filter(({ operator }) => operator === 'equals')
  const notices = equals.flatMap(({ member, values }) => {
    const kind = referencedBy(member, dataset)
    if (kind === undefined) return []
    return values
      .map(String)
      .filter((value) => value !== '' && !isVisible(kind, value, scope))
      .map(
        (value) => `You do not have access to ${kind} ${value}; if it exists, its rows are hidden.`,
      )
  })
  return [...new Set(notices)]
}

type Kind = 'workspace' | 'service' | 'route'

/** Kind of entity whose id or name a member holds, if it is one of the columns of the row rule. */
const referencedBy = ({ sql }: Member, { policy: { columns } }: Dataset): Kind | undefined =>
  (['workspace', 'service', 'route'] as const).find(
    (kind) => columns[kind] === sql || columns[`${kind}_name`] === sql,
  )

const isVisible = (kind: Kind, value: string, { rights, rows }: Scope): boolean =>
  kind === 'workspace'
    ? isWorkspaceVisible(rights, rows, value)
    : isEntityVisible(rights, rows, `${kind}s`, value)

/** States where callers are shown, if some are masked and the query reads them. */
function callerNotices({ columns, where }: GovernedPlan, { visibility }: Scope): readonly string[] {
  const members = [...columns, ...comparisonsIn(where)].map(({ member }) => member)
  const isRead = members.some(({ identity }) => identity)
  return isRead && visibility.callers?.scope === 'some' ? [visibility.callers.statement] : []
}
