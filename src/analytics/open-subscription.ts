import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Rights } from '../access/rights.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { Problem, toProblem } from '../lib/problem.ts'
import type { Push } from '../schema/answer.ts'
import { violationMessage, violationsOf } from '../entities/violations.ts'
import type { Answered } from './answer-query.ts'
import { openRefreshScheduler } from './refresh-scheduler.ts'

export type SubscriptionContext = {
  /** The current rights of the subscriber, or undefined when they have ended. */
  readonly rights: () => Promise<Rights | undefined>
  readonly answer: (rights: Rights, input: unknown, signal?: AbortSignal) => Promise<Answered>
  readonly onInsert: (listener: () => void) => () => void
  readonly clock: Clock
  readonly log: Log | undefined
}

export type Subscription = { close(): void; readonly ended: Promise<void> }

/** Answers the queries again after inserts, as time passes and when the rights change, and pushes the answers that differ. */
export function openSubscription(
  context: SubscriptionContext,
  input: unknown,
  push: (push: Push) => void,
): Subscription {
  const queries = Object.entries(parseQueries(input))
  const send = onlyChanges(push)
  const scheduler = openRefreshScheduler(context.clock)
  const stopListening = context.onInsert(scheduler.onInsert)
  let isOpen = true
  const closing = new AbortController()
  const close = (): void => {
    isOpen = false
    closing.abort()
    stopListening()
    scheduler.wake()
  }

  const answerOne = async (rights: Rights, id: string, query: unknown): Promise<boolean> => {
    const { message, isRelative } = await context.answer(rights, query, closing.signal).then(
      ({ answer, ...rest }) => ({ ...rest, message: { id, answer } }),
      (error: unknown) => ({ isRelative: false, message: failed(id, error) }),
    )
    if (isOpen) send(message)
    return isRelative
  }
  const failed = (id: string, error: unknown): Push => {
    if (!(error instanceof Problem))
      context.log?.error('analytics: subscription failed', { query: id, error })
    const { code, message } = toProblem(error)
    return { id, problem: { code, message } }
  }
  const refresh = async (): Promise<void> => {
    const rights = await context.rights()
    if (rights === undefined) throw new Problem('query.ended', 403, 'Your access has ended.')
    if (!isOpen || !scheduler.start(rights)) return
    const relative = await Promise.all(queries.map(([id, query]) => answerOne(rights, id, query)))
    scheduler.finish(relative.includes(true))
  }
  const run = async (): Promise<void> => {
    try {
      while (isOpen) {
        await refresh()
        if (isOpen) await scheduler.wait()
      }
    } catch (error) {
      for (const [id] of queries) {
        const message = failed(id, error)
        if (isOpen) send(message)
      }
      close()
    }
  }
  return { close, ended: run() }
}

const queriesSchema = z
  .record(z.string().min(1).max(100), z.unknown())
  .refine((queries) => Object.keys(queries).length > 0, { error: 'expected at least one query' })
  .refine((queries) => Object.keys(queries).length <= 40, {
    error: 'expected at most 40 queries',
  })

function parseQueries(input: unknown): Readonly<Record<string, unknown>> {
  const parsed = queriesSchema.safeParse(input)
  if (parsed.success) return parsed.data
  const fields = violationsOf(parsed.error)
  throw new Problem('query.subscription', 400, violationMessage(fields), { detail: { fields } })
}

/** Forwards a message only if it differs from the previous one of the same query. */
function onlyChanges(push: (push: Push) => void): (push: Push) => void {
  const sent = new Map<string, string>()
  return (message) => {
    const digest = createHash('sha256').update(contentOf(message)).digest('base64')
    if (sent.get(message.id) === digest) return
    sent.set(message.id, digest)
    push(message)
  }
}

/** The parts of a message that count as a change: not the time of the query, and not the log id of a failure. */
function contentOf(message: Push): string {
  if ('problem' in message) return message.problem.code
  const { data, visibility, notices, completeness } = message.answer
  const missing = completeness?.missing.map(({ node }) => node)
  return JSON.stringify([data, visibility, notices, missing])
}
