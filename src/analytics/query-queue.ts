import { Problem } from '../lib/problem.ts'
import type { Row, Statement } from '../warehouse/open-warehouse.ts'

export type Waiter = {
  /** Id of the principal. */
  readonly principal: string
  /** Aborted when no client reads the answer any more. */
  readonly signal?: AbortSignal | undefined
}

/**
 * Statements that run in fair turns: principals take turns however many statements each of them has queued, and equal
 * statements run once. The parameters of a statement contain the row rule, so equal ones have equal rights.
 */
export type QueryQueue = {
  readonly run: (statement: Statement, waiter: Waiter) => Promise<readonly Row[]>
  /** Rows that were read before are not shared any more. */
  readonly onInsert: () => void
}

export type QueryQueueOptions = {
  readonly query: (statement: Statement, signal: AbortSignal) => Promise<readonly Row[]>
  /** Statements that run at the same time. */
  readonly slots: number
  /** A number that changes when rows are too old to be shared. */
  readonly tick: () => number
}

/** Statements of one principal that may wait. A subscription of 40 queries has about 80. */
export const maxWaiting = 2_000

type Job = {
  readonly key: string
  readonly statement: Statement
  readonly stop: AbortController
  readonly rows: Promise<readonly Row[]>
  readonly settle: (rows: Promise<readonly Row[]>) => void
  state: 'queued' | 'running' | 'done'
  /** The tick and the number of inserts when it started. */
  startedAt: string
  waiting: number
}

export function openQueryQueue({ query, slots, tick }: QueryQueueOptions): QueryQueue {
  const jobs = new Map<string, Job>()
  /** In the order of turns. */
  const queues = new Map<string, Job[]>()
  const running = new Map<string, number>()
  const waiting = new Map<string, number>()
  // The last slot is reserved for other principals, so that a long query delays only its own principal.
  const maxRunning = Math.max(1, slots - 1)
  let inserts = 0
  let active = 0
  let lastTick = tick()

  const present = (): string => `${tick()} ${inserts}`
  const isShared = (job: Job): boolean => job.state === 'queued' || job.startedAt === present()
  const forgetOld = (): void => {
    if (tick() === lastTick) return
    lastTick = tick()
    for (const job of jobs.values()) if (!isShared(job)) jobs.delete(job.key)
  }
  const nextOf = (principal: string, queue: Job[]): Job | undefined => {
    if ((running.get(principal) ?? 0) >= maxRunning) return undefined
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
      // Another principal may have started it, or all of its waiters are gone.
      if (job.state === 'queued' && job.waiting > 0) return job
    }
    queues.delete(principal)
    return undefined
  }
  const startNext = (): boolean => {
    for (const [principal, queue] of queues) {
      const job = nextOf(principal, queue)
      if (job === undefined) continue
      // The next turn of this principal comes after those of all others.
      queues.delete(principal)
      if (queue.length > 0) queues.set(principal, queue)
      start(job, principal)
      return true
    }
    return false
  }
  const fill = (): void => {
    while (active < slots && startNext()) continue
  }
  const start = (job: Job, principal: string): void => {
    job.state = 'running'
    job.startedAt = present()
    active += 1
    add(running, principal, 1)
    const end = (): void => {
      job.state = 'done'
      active -= 1
      add(running, principal, -1)
      fill()
    }
    const rows = query(job.statement, job.stop.signal)
    job.settle(rows)
    rows.then(end, end)
  }
  const cancel = (job: Job): void => {
    if (jobs.get(job.key) === job) jobs.delete(job.key)
    job.stop.abort()
  }
  const jobFor = (statement: Statement): Job => {
    const key = JSON.stringify([statement.sql, statement.params])
    const known = jobs.get(key)
    if (known !== undefined && isShared(known)) return known
    const job = createJob(key, statement)
    jobs.set(key, job)
    return job
  }
  return {
    async run(statement, { principal, signal }) {
      if (signal?.aborted === true) throw abandoned()
      if ((waiting.get(principal) ?? 0) >= maxWaiting) throw tooMany()
      forgetOld()
      const job = jobFor(statement)
      if (job.state === 'queued') {
        const queue = queues.get(principal) ?? []
        if (!queue.includes(job)) queue.push(job)
        queues.set(principal, queue)
      }
      job.waiting += 1
      add(waiting, principal, 1)
      try {
        fill()
        return await untilAborted(job.rows, signal)
      } finally {
        add(waiting, principal, -1)
        job.waiting -= 1
        if (job.waiting === 0 && job.state !== 'done') cancel(job)
      }
    },
    onInsert() {
      inserts += 1
      for (const job of jobs.values()) if (job.state === 'done') jobs.delete(job.key)
    },
  }
}

function createJob(key: string, statement: Statement): Job {
  const { promise: rows, resolve: settle } = Promise.withResolvers<readonly Row[]>()
  // A failure is reported to all waiters; an abandoned statement has none.
  rows.catch(() => undefined)
  const stop = new AbortController()
  return { key, statement, stop, rows, settle, state: 'queued', startedAt: '', waiting: 0 }
}

function add(counts: Map<string, number>, principal: string, number: number): void {
  const count = (counts.get(principal) ?? 0) + number
  if (count === 0) counts.delete(principal)
  else counts.set(principal, count)
}

async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise
  const { promise: aborted, reject } = Promise.withResolvers<never>()
  const abort = (): void => reject(abandoned())
  signal.addEventListener('abort', abort)
  try {
    return await Promise.race([promise, aborted])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

const abandoned = (): Problem =>
  new Problem('query.abandoned', 499, 'The client closed the connection.')

const tooMany = (): Problem =>
  new Problem(
    'query.waiting',
    429,
    `At most ${maxWaiting} queries of one principal can wait. Close streams, or run fewer queries at once.`,
    { headers: { 'retry-after': '1' } },
  )
