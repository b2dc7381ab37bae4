import { expect, onTestFinished, test } from 'vitest'
import { workspaces } from '../../test/harness/arbitrary-rights.ts'
import { buildTestRights } from '../../test/harness/build-test-rights.ts'
import { until } from '../../test/harness/until.ts'
import type { Rights } from '../access/rights.ts'
import { systemClock } from '../lib/clock.ts'
import { Problem } from '../lib/problem.ts'
import type { Answer, Push } from '../schema/answer.ts'
import { openSubscription } from './open-subscription.ts'

/** A subscription to one query whose answer the test decides. */
function open(first: () => Partial<Answer>) {
  const state = {
    rights: buildTestRights(workspaces[0], []) as Rights | undefined,
    answer: first,
    answered: 0,
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
        return { answer: state.answer() as Answer, isRelative: false }
      },
      onInsert(listener) {
        state.insert = listener
        return () => (state.insert = () => undefined)
      },
      clock: systemClock,
      log: { info: note, warn: note, error: note },
    },
    { q: {} },
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
