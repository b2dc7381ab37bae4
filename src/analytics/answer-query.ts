import { Problem } from '../lib/problem.ts'
import type { Answer } from '../schema/answer.ts'
import { query as querySchema, type Query, type QueryInput } from '../schema/query.ts'
import { violationMessage, violationsOf } from '../entities/violations.ts'
import type { Row, Statement } from '../warehouse/open-warehouse.ts'
import { buildAnswer } from './build-answer.ts'
import type { Scope } from './build-scope.ts'
import { compilePlan } from './compile-plan.ts'
import type { Dataset } from './dataset.ts'
import { governPlan } from './govern-plan.ts'
import { planQuery } from './plan-query.ts'

/** Where and when questions are answered. */
export type Desk = {
  readonly dataset: Dataset
  readonly ask: (statement: Statement) => Promise<readonly Row[]>
  /** Milliseconds since the epoch. */
  readonly now: number
}

/**
 * A question's way: its words are found in the dataset (plan), the plan is brought within what the asker may see
 * (govern), only then it becomes a statement (compile), and what the warehouse gives becomes the answer.
 */
export async function answerQuery(desk: Desk, scope: Scope, input: unknown): Promise<Answered> {
  const query = parseQuery(input)
  const plan = planQuery(desk.dataset, query, desk.now)
  const governed = governPlan(plan, scope)
  const statement = compilePlan(governed)
  const [rows, freshUntil] = await Promise.all([desk.ask(statement), newestRow(desk, scope)])
  return { answer: { ...buildAnswer(governed, scope, rows), freshUntil }, moves: plan.moves }
}

/** An answer, and whether the same question means other rows a moment later. */
export type Answered = { readonly answer: Answer; readonly moves: boolean }

function parseQuery(input: unknown): Query {
  if (isDeeperThan(deepest, input))
    throw new Problem(
      'query.depth',
      400,
      `The question is nested more than ${deepest} levels deep.`,
    )
  const parsed = querySchema.safeParse(input)
  if (parsed.success) return parsed.data
  const fields = violationsOf(parsed.error)
  throw new Problem('query.invalid', 400, violationMessage(fields), { detail: { fields } })
}

/** Deep enough for every question of a person; the engine's parser, and ours, are recursive. */
const deepest = 24

const isDeeperThan = (levels: number, value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levels === 0 || Object.values(value).some((inner) => isDeeperThan(levels - 1, inner)))

/** When the newest row that the asker may see began; first looked for where it most likely is. */
async function newestRow(desk: Desk, scope: Scope): Promise<string | null> {
  const hourAgo = new Date(Math.floor(desk.now / 3_600_000 - 1) * 3_600_000).toISOString()
  return (await newestSince(desk, scope, hourAgo)) ?? (await newestSince(desk, scope, undefined))
}

async function newestSince(
  { dataset, ask, now }: Desk,
  scope: Scope,
  since: string | undefined,
): Promise<string | null> {
  const measure = `${dataset.name}.last_seen`
  const input: QueryInput = {
    measures: [measure],
    filters:
      since === undefined
        ? []
        : [{ member: dataset.time.name, operator: 'afterOrOnDate', values: [since] }],
  }
  const plan = governPlan(planQuery(dataset, parseQuery(input), now), scope)
  const { data } = buildAnswer(plan, scope, await ask(compilePlan(plan)))
  return (data[0]?.[measure] ?? null) as string | null
}
