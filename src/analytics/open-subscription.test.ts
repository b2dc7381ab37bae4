import { expect, onTestFinished, test, vi } from 'vitest'
import { workspaces } from '../../test/harness/arbitrary-rights.ts'
import { buildTestRights } from '../../test/harness/build-test-rights.ts'
import { until } from '../../test/harness/until.ts'
import type { Rights } from '../access/rights.ts'
import { systemClock } from '../lib/clock.ts'
import { Problem } from '../lib/problem.ts'
import type { Answer, Push } from '../schema/answer.ts'
import { openSubscription } from './open-subscription.ts'

/** A subscription whose answers the test decides. */
function open(first: () => Partial<Answer>, queries: object = { q: {} }) {
  const state = {
    rights: buildTestRights(workspaces[0], []) as Rights | undefined,
    answer: first,
    answered: 0,
    isRelative: false,
    insert: (): void => undefined,
  }
  const pushes: Push[] = []
  const logged: unknown[] = []
  const note = (_: string, fields?: unknown) => void logged.push(fields)
  const subscription = openSubscription(
    {
      rights: async () => state.rights,
      answer: async () => {
        state.answered++
        return { answer: state.answer() as Answer, isRelative: state.isRelative }
      },
      onInsert(listener) {
        state.insert = listener
        return () => (state.insert = () => undefined)
      },
      clock: systemClock,
      log: { info: note, warn: note, error: note },
    },
    queries,
    (push) => pushes.push(push),
  )
  onTestFinished(() => subscription.close())
  const refresh = async (answer: () => Partial<Answer>): Promise<void> => {
    const before = state.answered
    state.answer = answer
    state.insert()
    await until('another answer', () => state.answered > before)
  }
  return { state, pushes, logged, subscription, refresh }
}

const answer = (given: object = {}) => ({
  data: [],
  notices: [],
  visibility: { statement: 'You see every request.' },
  freshUntil: null,
  ...given,
})

test('pushes an answer when its data, visibility or notices change', async () => {
  const { pushes, refresh } = open(() => answer() as unknown as Answer)
  await until('the first push', () => pushes.length === 1)
  for (const [change, count] of [
    [{ freshUntil: '2026-01-01T00:00:00.000Z' }, 1],
    [{ data: [{ n: 1 }] }, 2],
    [{ data: [{ n: 1 }], notices: ['x'] }, 3],
    [{ data: [{ n: 1 }], notices: ['x'], visibility: { statement: 'You see requests.' } }, 4],
  ] as const) {
    await refresh(() => answer(change) as unknown as Answer)
    await until('its push', () => pushes.length >= count)
    expect(pushes).toHaveLength(count)
  }
})

test('a problem is pushed once per code, and an unexpected error is logged with its cause', async () => {
  const fail = (error: Error) => () => {
    throw error
  }
  const { pushes, logged, refresh } = open(fail(new Problem('query.failed', 500, 'id 1')))
  await until('the first push', () => pushes.length === 1)
  await refresh(fail(new Problem('query.failed', 500, 'id 2')))
  expect(logged).toEqual([])
  await refresh(fail(new TypeError('a bug')))
  await until('the second push', () => pushes.length === 2)
  expect(pushes.map((push) => 'problem' in push && push.problem.code)).toEqual([
    'query.failed',
    'internal',
  ])
  expect(JSON.stringify(pushes)).not.toContain('a bug')
  expect(logged).toEqual([
    { query: 'q', error: expect.objectContaining({ message: 'a bug' }) as object },
  ])
})

test('ends when the rights of the principal end', async () => {
  const { state, pushes, subscription } = open(() => answer() as unknown as Answer)
  await until('the first push', () => pushes.length === 1)
  state.rights = undefined
  state.insert()
  await subscription.ended
  expect(pushes.at(-1)).toEqual({
    id: 'q',
    problem: { code: 'query.ended', message: 'Your access has ended.' },
  })
  expect(state.answered).toBe(1)
})

test('changed rights and the end of the rights are detected within a second, without an insert', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  onTestFinished(() => void vi.useRealTimers())
  const { state, pushes } = open(() => answer() as unknown as Answer)
  await vi.advanceTimersByTimeAsync(0)
  expect(state.answered).toBe(1)
  state.rights = buildTestRights(workspaces[0], [])
  await vi.advanceTimersByTimeAsync(1_000)
  expect(state.answered).toBe(2)
  state.rights = undefined
  await vi.advanceTimersByTimeAsync(1_000)
  expect(pushes).toHaveLength(2)
})

/** Number of answers in the four seconds after an insert. */
async function answersAfterInsert(isRelative: boolean, first: () => Partial<Answer>) {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  onTestFinished(() => void vi.useRealTimers())
  const { state } = open(first)
  state.isRelative = isRelative
  await vi.advanceTimersByTimeAsync(1_000)
  state.insert()
  await vi.advanceTimersByTimeAsync(0)
  const before = state.answered
  await vi.advanceTimersByTimeAsync(4_000)
  return [before, state.answered - before]
}

test('answers a query that depends on the time every second while rows arrive, another one not', async () => {
  expect(await answersAfterInsert(true, () => answer() as unknown as Answer)).toEqual([2, 4])
  expect(await answersAfterInsert(false, () => answer() as unknown as Answer)).toEqual([2, 0])
})

test('does not repeat a query that fails every second', async () => {
  const fail = () => {
    throw new Problem('query.failed', 500, 'id 1')
  }
  expect(await answersAfterInsert(true, fail)).toEqual([2, 0])
})

test('pushes nothing after it is closed', async () => {
  const { state, pushes, subscription } = open(() => answer() as unknown as Answer)
  let resolve = (): void => undefined
  await until('the first push', () => pushes.length === 1)
  const answered = new Promise<void>((done) => {
    resolve = done
  })
  state.answer = () => {
    resolve()
    return answer({ data: [{ n: 1 }] }) as unknown as Answer
  }
  state.insert()
  await answered
  subscription.close()
  await subscription.ended
  expect(pushes).toHaveLength(1)
})

test('accepts 40 queries with ids of up to 100 characters', async () => {
  const ids = Array.from({ length: 40 }, (_, at) => `q${at}`.padEnd(100, '_'))
  const { pushes } = open(
    () => answer() as unknown as Answer,
    Object.fromEntries(ids.map((id) => [id, {}])),
  )
  await until('an answer to each', () => pushes.length === 40)
  expect(pushes.map(({ id }) => id)).toEqual(ids)
})
