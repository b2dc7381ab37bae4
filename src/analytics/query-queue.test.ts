import { expect, test } from 'vitest'
import type { Row } from '../warehouse/open-warehouse.ts'
import { maxWaiting, openQueryQueue } from './query-queue.ts'

/** A queue over a warehouse in which each statement runs until the test ends it. */
function open(slots: number) {
  const started: string[] = []
  const stopped: string[] = []
  const ends = new Map<string, () => void>()
  let tick = 0
  const queue = openQueryQueue({
    slots,
    tick: () => tick,
    query(statement, signal) {
      started.push(statement.sql)
      signal.addEventListener('abort', () => stopped.push(statement.sql))
      return new Promise<readonly Row[]>((resolve) => {
        ends.set(statement.sql, () => resolve([{ sql: statement.sql }]))
      })
    },
  })
  const ask = (principal: string, sql: string, signal?: AbortSignal) =>
    queue.run({ sql }, { principal, signal })
  const end = async (sql: string): Promise<void> => {
    ends.get(sql)?.()
    await new Promise(setImmediate)
  }
  return { ask, end, started, stopped, onInsert: queue.onInsert, pass: () => (tick += 1) }
}

test('1,500 queued queries of one principal delay the query of another by one turn', async () => {
  const { ask, end, started } = open(3)
  for (let at = 0; at < 1_500; at += 1) void ask('reader', `reader ${at}`)
  expect(started).toEqual(['reader 0', 'reader 1'])
  void ask('admin', 'admin 0')
  expect(started.at(-1)).toBe('admin 0')
  void ask('admin', 'admin 1')
  void ask('other', 'other 0')
  await end('reader 0')
  await end('admin 0')
  await end('reader 1')
  expect(started.slice(3, 6).toSorted()).toEqual(['admin 1', 'other 0', 'reader 2'])
})

test('principals take turns, and one of them never has all slots', async () => {
  const { ask, end, started } = open(2)
  for (const principal of ['a', 'b']) {
    for (const at of [0, 1, 2]) void ask(principal, `${principal}${at}`)
  }
  expect(started).toEqual(['a0', 'b0'])
  for (const sql of ['a0', 'b0', 'a1', 'b1']) await end(sql)
  expect(started).toEqual(['a0', 'b0', 'a1', 'b1', 'a2', 'b2'])
})

test('equal statements run once for all waiters, also of several principals', async () => {
  const { ask, end, started } = open(3)
  const answers = Promise.all(['a', 'a', 'b', 'c'].map((principal) => ask(principal, 'same')))
  expect(started).toEqual(['same'])
  await end('same')
  expect(await answers).toEqual(Array(4).fill([{ sql: 'same' }]))
})

test('a queued statement runs once despite an insert, and returns no rows from before it', async () => {
  const { ask, end, started, onInsert } = open(1)
  void ask('a', 'running')
  void ask('a', 'queued')
  onInsert()
  void ask('b', 'queued')
  void ask('b', 'running')
  await end('running')
  await end('queued')
  await end('running')
  expect(started).toEqual(['running', 'queued', 'running'])
})

test('rows are shared until the tick ends', async () => {
  const { ask, end, started, pass } = open(1)
  void ask('a', 'x')
  await end('x')
  void ask('b', 'x')
  expect(started).toHaveLength(1)
  pass()
  void ask('b', 'x')
  expect(started).toHaveLength(2)
})

test('a queued statement without waiters never runs, and a running one is stopped', async () => {
  const { ask, end, started, stopped } = open(1)
  const [closed, other] = [new AbortController(), new AbortController()]
  const first = ask('a', 'running', closed.signal)
  const second = ask('a', 'queued', closed.signal)
  const shared = [ask('a', 'shared', closed.signal), ask('b', 'shared', other.signal)]
  closed.abort()
  for (const answer of [first, second, shared[0]])
    await expect(answer).rejects.toMatchObject({ code: 'query.abandoned' })
  await new Promise(setImmediate)
  expect(stopped).toEqual(['running'])
  await end('running')
  await end('shared')
  expect(await shared[1]).toEqual([{ sql: 'shared' }])
  expect(started).toEqual(['running', 'shared'])
})

test('a principal with too many waiting statements is refused, others are not', async () => {
  const { ask, started } = open(2)
  for (let at = 0; at < maxWaiting; at += 1) void ask('reader', `reader ${at}`)
  await expect(ask('reader', 'one more')).rejects.toMatchObject({
    code: 'query.waiting',
    status: 429,
  })
  void ask('admin', 'admin')
  expect(started.at(-1)).toBe('admin')
})
