import type { Rights } from '../access/rights.ts'
import type { Clock } from '../lib/clock.ts'
import { uuidv7 } from '../lib/ids.ts'
import type { Log } from '../lib/log.ts'
import { Problem } from '../lib/problem.ts'
import type { Answer, Meta, Push } from '../schema/answer.ts'
import type { Row, Statement, Warehouse } from '../warehouse/open-warehouse.ts'
import { answerQuery, type Answered } from './answer-query.ts'
import type { Dataset } from './datasets/dataset.ts'
import { describeDatasets } from './datasets/describe-datasets.ts'
import { builtInDatasets, readDatasets } from './datasets/read-datasets.ts'
import { buildScope, type Scope } from './datasets/scope.ts'
import { openSubscription, type Subscription } from './open-subscription.ts'
import { writeCsv } from './write-csv.ts'

export type AnalyticsOptions = {
  readonly warehouse: Warehouse
  /** The current rights of a principal; undefined, or a Problem, when it no longer exists. */
  readonly rightsOf: (principalId: string) => Promise<Rights | undefined> | Rights | undefined
  readonly clock: Clock
  readonly log?: Log
  /** A directory with one YAML file per dataset. */
  readonly datasets?: URL
}

/** Answers queries within the rights of a principal. */
export type Analytics = {
  answer(rights: Rights, input: unknown): Promise<Answer>
  /** The datasets and members that a principal can query. */
  meta(rights: Rights): Meta
  csv(rights: Rights, input: unknown): Promise<{ readonly csv: string; readonly answer: Answer }>
  /** Pushes the answer to each query, and again whenever it changes, until closed or until the rights of the principal end. */
  subscribe(principalId: string, queries: unknown, push: (push: Push) => void): Subscription
}

export function openAnalytics(options: AnalyticsOptions): Analytics {
  const { warehouse, rightsOf, clock, log } = options
  const datasets = readDatasets(options.datasets ?? builtInDatasets, warehouse.tables)
  const scopes = new WeakMap<Rights, Map<Dataset, Scope>>()
  const select = shareSelects(options)

  const scopesOf = (rights: Rights) => {
    const known = scopes.get(rights) ?? new Map<Dataset, Scope>()
    scopes.set(rights, known)
    return (dataset: Dataset): Scope => {
      const scope = known.get(dataset) ?? buildScope(rights, dataset)
      known.set(dataset, scope)
      return scope
    }
  }
  const answer = async (rights: Rights, input: unknown): Promise<Answered> =>
    await answerQuery({ datasets, scopeOf: scopesOf(rights), select, now: tickOf(clock) }, input)

  return {
    answer: async (rights, input) => (await answer(rights, input)).answer,
    meta: (rights) => describeDatasets(datasets, rights, scopesOf(rights)),
    async csv(rights, input) {
      const { answer: found } = await answer(rights, input)
      return { csv: writeCsv(found), answer: found }
    },
    subscribe: (principalId, queries, push) =>
      openSubscription(
        {
          rights: async () => await rightsOf(principalId),
          answer,
          onInsert: (listener) => warehouse.onInsert(listener),
          clock,
          log,
        },
        queries,
        push,
      ),
  }
}

const tick = 250

/** The end of the current tick, so that equal queries within a tick compile to equal statements. */
const tickOf = (clock: Clock): number => (Math.floor(clock.now() / tick) + 1) * tick

/** Runs equal statements once per tick, until rows are inserted. The key includes the parameters and with them the row rule. */
function shareSelects({ warehouse, clock, log }: AnalyticsOptions) {
  const shared = new Map<string, Promise<readonly Row[]>>()
  let sharedTick = 0
  warehouse.onInsert(() => shared.clear())

  return (statement: Statement): Promise<readonly Row[]> => {
    const now = tickOf(clock)
    if (now !== sharedTick) shared.clear()
    sharedTick = now
    const key = JSON.stringify([statement.sql, statement.params])
    const known = shared.get(key)
    if (known !== undefined) return known
    const rows = warehouse.query(statement).catch((error: unknown) => {
      const problem = queryProblem(error, uuidv7(clock.now()))
      log?.error('analytics: query failed', { id: problem.detail['id'], error })
      throw problem
    })
    shared.set(key, rows)
    return rows
  }
}

// ClickHouse: TIMEOUT_EXCEEDED, MEMORY_LIMIT_EXCEEDED
const limitErrors = ['159', '241']

/** The engine's message may quote rows that the principal does not see, so it goes to the log only. */
function queryProblem(error: unknown, id: string): Problem {
  if (error instanceof Problem) return error
  const isLimit = limitErrors.includes(String((error as { code?: unknown }).code))
  const message = isLimit
    ? `The query exceeds the time or memory limit. Use a shorter time range or fewer groups. (${id})`
    : `The query failed. The log contains the reason under ${id}.`
  return new Problem('query.failed', isLimit ? 422 : 500, message, { detail: { id }, cause: error })
}
