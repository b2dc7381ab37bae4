import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { startRedis } from '../../test/harness/start-redis.ts'
import { openEgress } from '../lib/egress.ts'
import type { SharedValues } from '../proxy/plugin.ts'
import { redisValues } from './redis-values.ts'
import { answerValues, localValues, openValueClient } from './shared-values.ts'
import { openValueTable } from './value-table.ts'

const clock = { now: () => 1_000_000 }

/** Two workers and their supervisor, with messages as a channel between processes carries them. */
function openNode(scope = 'w1') {
  const table = openValueTable(clock)
  const clients = [0, 1].map(() => {
    const client = openValueClient((message) => {
      setImmediate(() => {
        const answer = answerValues(table, clock, structuredClone(message))
        setImmediate(() => client.receive(structuredClone(answer)))
      })
    })
    return client.open(scope)
  })
  return { table, clients: clients as [SharedValues, SharedValues] }
}

const operation = fc.record({
  name: fc.constantFrom('get', 'set', 'add', 'extend', 'delete'),
  key: fc.constantFrom('a', 'b', 'constructor', 'ä "\r\n'),
  value: fc.constantFrom('', 'one', 'two', '\u{1f600}'),
})
type Operation = { name: string; key: string; value: string }
const run = (values: SharedValues, { name, key, value }: Operation): Promise<unknown> => {
  if (name === 'get') return values.get(key)
  if (name === 'set') return values.set(key, value, 60_000)
  if (name === 'add') return values.add(key, value, 60_000)
  return name === 'extend' ? values.extend(key, 60_000) : values.delete(key)
}

test('workers of a node, and nodes with one Redis, see the values as one process does', async (context) => {
  const { address } = await startRedis(context)
  let round = 0
  await fc.assert(
    fc.asyncProperty(fc.array(operation, { maxLength: 20 }), async (operations) => {
      round += 1
      const open = redisValues(openEgress())
      const inRedis = [0, 1].map(() => open(address, `round-${round}:`))
      const own = localValues(openValueTable(clock), clock)('w1')
      const { clients } = openNode()
      for (const [at, one] of operations.entries()) {
        const expected = await run(own, one)
        expect(await run(clients[at % 2] as SharedValues, one)).toEqual(expected)
        expect(await run(inRedis[at % 2] as SharedValues, one)).toEqual(expected)
      }
      for (const { close } of inRedis) close()
    }),
    { numRuns: 30 },
  )
})

test('of many that add a value at once, one succeeds', async (context) => {
  const { address } = await startRedis(context)
  const source = redisValues(openEgress())(address, 'lock:')
  onTestFinished(source.close)
  for (const values of [openNode().clients, [source, source]]) {
    const added = await Promise.all(
      Array.from({ length: 40 }, (_, at) =>
        (values[at % 2] as SharedValues).add('lock', 'x', 9_999),
      ),
    )
    expect(added.filter(Boolean)).toHaveLength(1)
  }
})

test('values end, and a scope that is full forgets its own oldest', () => {
  let now = 0
  const table = openValueTable({ now: () => now }, { entries: 3, characters: 40 })
  table.set('other', 'a', 'kept', 100)
  for (const key of ['a', 'b', 'c', 'd']) table.set('w1', key, 'value', 100)
  expect(['a', 'b', 'd'].map((key) => table.get('w1', key))).toEqual([undefined, 'value', 'value'])
  table.set('w1', 'e', 'x'.repeat(38), 100)
  expect(table.rows().map(([scope, key]) => scope + key)).toEqual(['othera', 'w1e'])
  now = 100
  expect(table.get('other', 'a')).toBeUndefined()
  expect(table.add('w1', 'e', 'again', 200)).toBe(true)
  table.sweep()
  expect(table.rows()).toEqual([['w1', 'e', 'again', 200]])
})

test('a successor adopts what it does not have', () => {
  const [before, after] = [openValueTable(clock), openValueTable(clock)]
  before.set('w1', 'a', 'old', 2_000_000)
  before.set('w1', 'b', 'old', 2_000_000)
  after.set('w1', 'b', 'new', 2_000_000)
  after.adopt(before.rows())
  expect([after.get('w1', 'a'), after.get('w1', 'b')]).toEqual(['old', 'new'])
})

test('calls reject when the supervisor or Redis does not answer', async () => {
  const values = openValueClient(() => undefined, 10).open('w1')
  await expect(values.get('a')).rejects.toThrow('no shared values within 10 ms')
})
