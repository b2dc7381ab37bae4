import type { Rights } from '../access/rights.ts'
import type { Clock } from '../lib/clock.ts'
import { uuidv7 } from '../lib/ids.ts'
import type { Log } from '../lib/log.ts'
import { Problem } from '../lib/problem.ts'
import type { Answer, Explanation, Meta, Push } from '../schema/answer.ts'
import type { Completeness, NodesCompleteness } from '../schema/completeness.ts'
import type { Statement, Warehouse } from '../warehouse/open-warehouse.ts'
import { answerQuery, explainQuery, type QueryContext } from './answer-query.ts'
import type { Dataset, Datasets } from './datasets/dataset.ts'
import { describeCompleteness, type NodeWatermark } from './describe-completeness.ts'
import { describeDatasets } from './datasets/describe-datasets.ts'
import { buildScope, type Scope } from './datasets/scope.ts'
import {
  openSubscription,
  type Subscription,
  type SubscriptionContext,
} from './open-subscription.ts'
import { openQueryQueue, type QueryQueue } from './query-queue.ts'
import { writeCsv } from './write-csv.ts'

export type AnalyticsOptions = {
  readonly warehouse: Warehouse
  /** The current rights of a principal; undefined, or a Problem, when it no longer exists. */
  readonly rightsOf: (principalId: string) => Promise<Rights | undefined> | Rights | undefined
  readonly watermarks?: () => readonly NodeWatermark[]
  readonly clock: Clock
  readonly log?: Log
  /** A directory with one YAML file per dataset. */
  readonly datasets?: URL
}

/** Subscriptions of one principal; a page of the Manager has one. */
const maxStreams = 20

/** Answers queries within the rights of a principal. An aborted signal takes its statements out of the queue. */
export type Analytics = {
  answer(rights: Rights, input: unknown, signal?: AbortSignal): Promise<Answer>
  /** The tables from which a query would be answered. */
  explain(rights: Rights, input: unknown): Promise<Explanation>
  /** The datasets and members that a principal can query. */
  meta(rights: Rights): Promise<Meta>
  /** Completeness of requests, with the nodes that the principal may see. */
  completeness(rights: Rights): NodesCompleteness
  csv(
    rights: Rights,
    input: unknown,
    signal?: AbortSignal,
  ): Promise<{ readonly csv: string; readonly answer: Answer }>
  /** Pushes the answer to each query, and again whenever it changes, until closed or until the rights of the principal end. */
  subscribe(principalId: string, queries: unknown, push: (push: Push) => void): Subscription
}

export function openAnalytics(options: AnalyticsOptions): Analytics {
  const { warehouse, rightsOf, clock, log, watermarks = () => [] } = options
  const datasets = openDatasets(options)
  const scopes = new WeakMap<Rights, Map<Dataset, Scope>>()
  const selects = openSelects(options)
  const limitStreams = openStreamLimit()

  const scopesOf = (rights: Rights) => {
    const known = scopes.get(rights) ?? new Map<Dataset, Scope>()
    scopes.set(rights, known)
    return (dataset: Dataset): Scope => {
      const scope = known.get(dataset) ?? buildScope(rights, dataset)
      known.set(dataset, scope)
      return scope
    }
  }
  const contextOf = async (rights: Rights, signal?: AbortSignal): Promise<QueryContext> => {
    const waiter = { principal: rights.principal.id, signal }
    return {
      datasets: await datasets(),
      scopeOf: scopesOf(rights),
      select: (statement: Statement) => selects.run(statement, waiter),
      rollups: warehouse.rollups,
      retention: (table: string) => warehouse.retention(table),
      now: tickOf(clock),
      completeness(): Completeness {
        const { until, missing } = describeCompleteness(watermarks(), rights)
        return { until, missing }
      },
    }
  }
  const answer: SubscriptionContext['answer'] = async (rights, input, signal) =>
    answerQuery(await contextOf(rights, signal), input)

  return {
    answer: async (rights, input, signal) => (await answer(rights, input, signal)).answer,
    explain: async (rights, input) => explainQuery(await contextOf(rights), input),
    completeness: (rights) => describeCompleteness(watermarks(), rights),
    meta: async (rights) => describeDatasets(await datasets(), rights, scopesOf(rights)),
    async csv(rights, input, signal) {
      const { answer: found } = await answer(rights, input, signal)
      return { csv: writeCsv(found), answer: found }
    },
    subscribe: (principalId, queries, push) =>
      limitStreams(principalId, () =>
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
      ),
  }
}

/** Reads the datasets for the first query: parsing them would be a tenth of a control plane's start. */
function openDatasets({ datasets, warehouse }: AnalyticsOptions): () => Promise<Datasets> {
  let reading: Promise<Datasets> | undefined
  const read = async (): Promise<Datasets> => {
    const { builtInDatasets, readDatasets } = await import('./datasets/read-datasets.ts')
    return readDatasets(datasets ?? builtInDatasets, warehouse.tables)
  }
  return () => (reading ??= read())
}

const tick = 250

/** The end of the current tick, so that equal queries within a tick compile to equal statements. */
const tickOf = (clock: Clock): number => (Math.floor(clock.now() / tick) + 1) * tick

/** Queries the warehouse in fair turns, and hides errors of the engine. */
function openSelects({ warehouse, clock, log }: AnalyticsOptions): QueryQueue {
  const queue = openQueryQueue({
    slots: warehouse.parallelQueries,
    tick: () => tickOf(clock),
    query: (statement, signal) =>
      warehouse.query(statement, signal).catch((error: unknown) => {
        const problem = queryProblem(error, uuidv7(clock.now()))
        if (!signal.aborted)
          log?.error('analytics: query failed', { id: problem.detail['id'], error })
        throw problem
      }),
  })
  warehouse.onInsert(queue.onInsert)
  return queue
}

/** Counts the open subscriptions of each principal. */
function openStreamLimit() {
  const open = new Map<string, number>()
  return (principal: string, subscribe: () => Subscription): Subscription => {
    const count = open.get(principal) ?? 0
    if (count >= maxStreams) {
      const message = `At most ${maxStreams} subscriptions of one principal can be open. Close one of them.`
      throw new Problem('query.streams', 429, message)
    }
    const subscription = subscribe()
    open.set(principal, count + 1)
    void subscription.ended.finally(() => {
      const left = (open.get(principal) ?? 1) - 1
      if (left === 0) open.delete(principal)
      else open.set(principal, left)
    })
    return subscription
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
