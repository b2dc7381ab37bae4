import { createHash } from 'node:crypto'
import { z } from 'zod'
import type { Rights } from '../access/rights.ts'
import type { Clock } from '../lib/clock.ts'
import { Problem, toProblem } from '../lib/problem.ts'
import type { Push } from '../schema/answer.ts'
import { violationMessage, violationsOf } from '../entities/violations.ts'
import type { Answered } from './answer-query.ts'
import { openPace } from './open-pace.ts'

/** What a subscription works with. */
export type SubscriptionTools = {
  /** The rights of the subscriber now, or undefined when they have ended. */
  readonly rights: () => Promise<Rights | undefined>
  readonly answer: (rights: Rights, input: unknown) => Promise<Answered>
  readonly onInsert: (listener: () => void) => () => void
  readonly clock: Clock
}

/** A subscription that runs until it is closed, or until the subscriber's rights end. */
export type Subscription = { close(): void; readonly ended: Promise<void> }

/** Answers questions again when rows come in, their windows move, or the rights change, and pushes the answers that changed; one turn at a time. */
export function openSubscription(
  tools: SubscriptionTools,
  input: unknown,
  push: (push: Push) => void,
): Subscription {
  const queries = Object.entries(parseQueries(input))
  const send = onlyChanges(push)
  const pace = openPace(tools.clock)
  const stopListening = tools.onInsert(pace.rowsCame)
  let isOpen = true
  const close = (): void => {
    isOpen = false
    stopListening()
    pace.hasten()
  }

  const answerOne = async (rights: Rights, id: string, query: unknown): Promise<boolean> => {
    const { message, moves } = await tools.answer(rights, query).then(
      ({ answer, ...rest }) => ({ ...rest, message: { id, answer } }),
      (error: unknown) => ({ moves: false, message: refusal(id, toProblem(error)) }),
    )
    if (isOpen) send(message)
    return moves
  }
  const turn = async (): Promise<void> => {
    const rights = await tools.rights()
    if (rights === undefined) throw new Problem('query.ended', 403, 'Your access has ended.')
    if (!isOpen || !pace.begins(rights)) return
    const moves = await Promise.all(queries.map(([id, query]) => answerOne(rights, id, query)))
    pace.ended(moves.includes(true))
  }
  const run = async (): Promise<void> => {
    try {
      while (isOpen) {
        await turn()
        if (isOpen) await pace.rest()
      }
    } catch (error) {
      const problem = toProblem(error)
      if (isOpen) for (const [id] of queries) send(refusal(id, problem))
      close()
    }
  }
  return { close, ended: run() }
}

const questions = z
  .record(z.string().min(1).max(100), z.unknown())
  .refine((queries) => Object.keys(queries).length > 0, { error: 'expected at least one question' })
  .refine((queries) => Object.keys(queries).length <= 40, {
    error: 'a subscription takes at most 40 questions',
  })

function parseQueries(input: unknown): Readonly<Record<string, unknown>> {
  const parsed = questions.safeParse(input)
  if (parsed.success) return parsed.data
  const fields = violationsOf(parsed.error)
  throw new Problem('query.subscription', 400, violationMessage(fields), { detail: { fields } })
}

const refusal = (id: string, { code, message }: Problem): Push => ({
  id,
  problem: { code, message },
})

/** Passes on what differs from what was last passed on to the same question. */
function onlyChanges(push: (push: Push) => void): (push: Push) => void {
  const passed = new Map<string, string>()
  return (message) => {
    const digest = createHash('sha256').update(essenceOf(message)).digest('base64')
    if (passed.get(message.id) === digest) return
    passed.set(message.id, digest)
    push(message)
  }
}

/** What a change of is worth telling: not the moment of asking, and not the id under which a failure is logged. */
function essenceOf(message: Push): string {
  if ('problem' in message) return message.problem.code
  const { data, visibility, notices } = message.answer
  return JSON.stringify([data, visibility, notices])
}
