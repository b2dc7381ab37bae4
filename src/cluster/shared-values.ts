import type { Clock } from '../lib/clock.ts'
import type { SharedValues } from '../proxy/plugin.ts'
import type { ValueTable } from './value-table.ts'

type Operation =
  | { readonly name: 'get'; readonly key: string }
  | { readonly name: 'delete'; readonly key: string }
  | {
      readonly name: 'set' | 'add'
      readonly key: string
      readonly value: string
      readonly milliseconds: number
    }
  | { readonly name: 'extend'; readonly key: string; readonly milliseconds: number }

/** Everything that the requests of one turn of the event loop need. */
export type ValueRequest = {
  readonly type: 'values'
  readonly id: number
  readonly operations: readonly (readonly [scope: string, operation: Operation])[]
}
/** One result for each of `operations`: of `get` the value or null, of `add` whether it was added. */
export type ValueAnswer = {
  readonly type: 'values-answer'
  readonly id: number
  readonly results: readonly (string | boolean | null)[]
}

/** The worker's side of the values that the supervisor keeps for all workers of a node. */
export type ValueClient = {
  /** The values of a scope. */
  open(this: void, scope: string): SharedValues
  receive(message: ValueAnswer): void
}

type Result = string | boolean | null
type Pending = {
  readonly entry: readonly [scope: string, operation: Operation]
  readonly resolve: (result: Result) => void
  readonly reject: (error: Error) => void
}

/** Opens a client; an answer is awaited for `timeout` milliseconds. */
export function openValueClient(
  send: (message: ValueRequest) => void,
  timeout = 2_000,
): ValueClient {
  const inFlight = new Map<number, readonly Pending[]>()
  let pending: Pending[] = []
  let lastId = 0
  const flush = (): void => {
    const id = (lastId += 1)
    const batch = pending
    pending = []
    inFlight.set(id, batch)
    send({ type: 'values', id, operations: batch.map(({ entry }) => entry) })
    setTimeout(() => {
      if (!inFlight.delete(id)) return
      for (const { reject } of batch) reject(new Error(`no shared values within ${timeout} ms`))
    }, timeout).unref()
  }
  const request = (scope: string, operation: Operation): Promise<Result> =>
    new Promise((resolve, reject) => {
      if (pending.length === 0) setImmediate(flush)
      pending.push({ entry: [scope, operation], resolve, reject })
    })
  return {
    open: (scope) => sharedValues((operation) => request(scope, operation)),
    receive({ id, results }) {
      const batch = inFlight.get(id) ?? []
      inFlight.delete(id)
      for (const [index, { resolve }] of batch.entries()) resolve(results[index] ?? null)
    },
  }
}

function sharedValues(request: (operation: Operation) => Promise<Result>): SharedValues {
  return {
    async get(key) {
      const found = await request({ name: 'get', key })
      return typeof found === 'string' ? found : undefined
    },
    async set(key, value, milliseconds) {
      await request({ name: 'set', key, value, milliseconds })
    },
    add: async (key, value, milliseconds) =>
      (await request({ name: 'add', key, value, milliseconds })) === true,
    async extend(key, milliseconds) {
      await request({ name: 'extend', key, milliseconds })
    },
    async delete(key) {
      await request({ name: 'delete', key })
    },
  }
}

/** The supervisor's side. */
export function answerValues(
  table: ValueTable,
  clock: Clock,
  { id, operations }: ValueRequest,
): ValueAnswer {
  const results = operations.map(([scope, operation]) => apply(table, clock, scope, operation))
  return { type: 'values-answer', id, results }
}

function apply(table: ValueTable, clock: Clock, scope: string, operation: Operation): Result {
  const { key } = operation
  if (operation.name === 'get') return table.get(scope, key) ?? null
  if (operation.name === 'delete') {
    table.delete(scope, key)
    return null
  }
  const endsAt = clock.now() + operation.milliseconds
  if (operation.name === 'add') return table.add(scope, key, operation.value, endsAt)
  const value = operation.name === 'set' ? operation.value : table.get(scope, key)
  if (value !== undefined) table.set(scope, key, value, endsAt)
  return null
}

/** The values of one process, for programs that serve no clients and for tests. */
export const localValues =
  (table: ValueTable, clock: Clock) =>
  (scope: string): SharedValues =>
    sharedValues(async (operation) => apply(table, clock, scope, operation))
