import type { Rights } from '../access/rights.ts'
import type { Clock } from '../lib/clock.ts'
import { uuidv7 } from '../lib/ids.ts'
import { Problem, toProblem } from '../lib/problem.ts'
import type { Answer, Meta, Push } from '../schema/answer.ts'
import type { Row, Statement, Warehouse } from '../warehouse/open-warehouse.ts'
import { answerQuery, type Answered } from './answer-query.ts'
import { buildScope, type Scope } from './build-scope.ts'
import { datasetNamed } from './dataset-named.ts'
import { readDataset, type Dataset } from './dataset.ts'
import { metaOf } from './meta-of.ts'
import { openSubscription, type Subscription } from './open-subscription.ts'
import { writeCsv } from './write-csv.ts'

/** What analytics works with. */
export type AnalyticsOptions = {
  readonly warehouse: Warehouse
  /** The rights of a principal now; undefined, or a Problem thrown, when there is no such principal any more. */
  readonly rightsOf: (principalId: string) => Promise<Rights | undefined> | Rights | undefined
  readonly clock: Clock
  /** Told of every statement that failed, with the engine's own words as its cause. */
  readonly report?: (problem: Problem) => void
}

/** Governed answers: nobody gets a row, or a caller's name, that their rights do not give them. */
export type Analytics = {
  /** The answer to a question in a dataset's words. */
  answer(rights: Rights, input: unknown): Promise<Answer>
  /** The words that the asker may use. */
  meta(rights: Rights): Meta
  /** The answer as CSV, beside it. */
  csv(rights: Rights, input: unknown): Promise<{ readonly csv: string; readonly answer: Answer }>
  /** Pushes the answers to several questions, and each again when it changes, until closed or until the principal's rights end. */
  subscribe(principalId: string, queries: unknown, push: (push: Push) => void): Subscription
}

/** Opens analytics over a warehouse. */
export function openAnalytics(options: AnalyticsOptions): Analytics {
  const { warehouse, rightsOf, clock } = options
  const datasets = ['requests', 'audit'].map((name) =>
    readDataset(new URL(`datasets/${name}.yaml`, import.meta.url)),
  )
  const scopes = new WeakMap<Rights, readonly Scope[]>()
  const ask = shareAnswers(options)

  const scopesOf = (rights: Rights): readonly Scope[] => {
    const known = scopes.get(rights) ?? datasets.map((dataset) => buildScope(rights, dataset))
    scopes.set(rights, known)
    return known
  }
  const answered = async (rights: Rights, input: unknown): Promise<Answered> => {
    const named = datasetNamed(input)
    const at = Math.max(
      0,
      datasets.findIndex(({ name }) => name === named),
    )
    const [dataset, scope] = [datasets[at] as Dataset, scopesOf(rights)[at] as Scope]
    return await answerQuery({ dataset, ask, now: tickOf(clock) }, scope, input)
  }
  const answer = async (rights: Rights, input: unknown): Promise<Answer> =>
    (await answered(rights, input)).answer

  return {
    answer,
    meta: (rights) => metaOf(datasets, scopesOf(rights)),
    async csv(rights, input) {
      const found = await answer(rights, input)
      return { csv: writeCsv(found), answer: found }
    },
    subscribe: (principalId, queries, push) =>
      openSubscription(
        {
          rights: async () => await rightsOf(principalId),
          answer: answered,
          onInsert: (listener) => warehouse.onInsert(listener),
          clock,
          report: options.report,
        },
        queries,
        push,
      ),
  }
}

const tick = 250

/** Now, as the end of its quarter of a second: who asks the same within it, asks the same statement. */
const tickOf = (clock: Clock): number => (Math.floor(clock.now() / tick) + 1) * tick

/** Asks the warehouse, and once only while no row comes in within one tick. The key is the statement with its parameters, which hold the row rule. */
function shareAnswers({ warehouse, clock, report }: AnalyticsOptions) {
  const shared = new Map<string, Promise<readonly Row[]>>()
  let since = 0
  warehouse.onInsert(() => shared.clear())

  return (statement: Statement): Promise<readonly Row[]> => {
    const now = tickOf(clock)
    if (now !== since) shared.clear()
    since = now
    const key = JSON.stringify([statement.sql, statement.params])
    const known = shared.get(key)
    if (known !== undefined) return known
    const rows = warehouse.ask(statement).catch((error: unknown) => {
      const problem = failure(error, uuidv7(clock.now()))
      report?.(problem)
      throw problem
    })
    shared.set(key, rows)
    return rows
  }
}

/** What the engine says stays with us: its words may hold what the asker may not see. */
function failure(error: unknown, id: string): Problem {
  if (error instanceof Problem) return error
  const isTooMuch = ['159', '241'].includes(String((error as { code?: unknown }).code))
  const message = isTooMuch
    ? `The question takes too much time or memory; ask about less time or fewer groups (${id}).`
    : `The question could not be answered; an administrator finds the reason in the log under ${id}.`
  return new Problem('query.failed', isTooMuch ? 422 : 500, message, {
    detail: { id },
    cause: toProblem(error).cause,
  })
}
