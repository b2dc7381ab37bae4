import fc from 'fast-check'
import { expect, test } from 'vitest'
import { beginning, hashOfLink } from '../lib/hash-chain.ts'
import type {
  ChainPosition,
  AuditRecord,
  AuditReport,
  ChainedRecord,
} from '../schema/audit-record.ts'
import { generateAuditKey, readPublicKey } from './audit-key.ts'
import { chainRecord, hashOfRecord } from './chain-record.ts'
import { signCheckpoint } from './checkpoint.ts'
import { verifyChain, type StoredChain } from './verify-chain.ts'

const key = generateAuditKey()
const { id, key: publicKey } = readPublicKey(key.publicPem)
const keys = new Map([[id, publicKey]])
const time = 1_700_000_000_000

const recordOf = (number: number): AuditRecord => ({
  id: `id-${number}`,
  time: time + number,
  requestId: `request-${number}`,
  principal: number % 3 === 0 ? null : { id: 'u', name: 'anna' },
  address: '127.0.0.1',
  workspace: 'default',
  workspaceId: 'w',
  method: 'POST',
  path: '/services',
  action: 'create',
  allowed: number % 2 === 0,
  because: 'Role x allows it.',
  before: [],
  after: [{ entity: 'service', name: `s${number}`, retries: number }],
  status: 201,
  revision: number,
})

/** A chain of `count` records, the first `pruned` of them pruned, with a checkpoint at every tenth. */
function chainOf(count: number, pruned = 0): StoredChain & { list: ChainedRecord[] } {
  const records: ChainedRecord[] = []
  let last: ChainPosition = { sequence: 0, hash: beginning }
  for (let number = 1; number <= count; number += 1) {
    const record = chainRecord(last, recordOf(number))
    records.push(record)
    last = record
  }
  const base = records[pruned - 1]
  const list = records.slice(pruned)
  return {
    list,
    records: () => stored(list),
    base: base === undefined ? undefined : signCheckpoint(key, 'pruned', base, time),
    head: signCheckpoint(key, 'head', last, time),
    along: list
      .filter(({ sequence }) => sequence % 10 === 0)
      .map((record) => signCheckpoint(key, 'along', record, time)),
    keys,
  }
}

test('the verification of a long log does not block the event loop', async () => {
  const chain = chainOf(5_000)
  let turns = 0
  let isDone = false
  const count = (): void => {
    turns += 1
    if (!isDone) setImmediate(count)
  }
  setImmediate(count)
  await verifyChain(chain)
  isDone = true
  // 500 checkpoints along the chain, 50 signatures in a turn.
  expect(turns).toBeGreaterThanOrEqual(10)
})

async function* stored(list: readonly ChainedRecord[]): AsyncGenerator<ChainedRecord> {
  yield* list.toSorted((a, b) => a.sequence - b.sequence)
}

const names = ({ faults }: AuditReport, sequence: number): boolean =>
  faults.some((fault) => fault.sequence <= sequence && sequence <= fault.through)

/** Changes a list of records at an index; returns the sequences of the changed records. */
type Mutation = (list: ChainedRecord[], at: number) => readonly number[]

const changeField =
  (change: Partial<ChainedRecord>): Mutation =>
  (list, at) => {
    const record = list[at] as ChainedRecord
    list[at] = { ...record, ...change }
    return [record.sequence]
  }

const remove: Mutation = (list, at) => list.splice(at, 1).map(({ sequence }) => sequence)

const swap: Mutation = (list, at) => {
  const other = (at * 7 + 3) % list.length
  if (other === at) return []
  const [one, two] = [list[at] as ChainedRecord, list[other] as ChainedRecord]
  list[at] = { ...one, sequence: two.sequence }
  list[other] = { ...two, sequence: one.sequence }
  return [one.sequence, two.sequence]
}

/** Rewrites a record and `following` ones after it with valid hashes. */
const rewrite =
  (following: number): Mutation =>
  (list, at) => {
    const touched: number[] = []
    let previous = (list[at] as ChainedRecord).previous
    for (let index = at; index <= at + following && index < list.length; index += 1) {
      const record = { ...(list[index] as ChainedRecord), previous }
      if (index === at) Object.assign(record, { because: 'Nothing happened.' })
      list[index] = { ...record, hash: hashOfRecord(record) }
      previous = hashOfRecord(record)
      touched.push(record.sequence)
    }
    return touched.slice(0, 1)
  }

const mutations: Readonly<Record<string, Mutation>> = {
  'a principal': changeField({ principal: { id: 'm', name: 'mallory' } }),
  'a verdict': (list, at) => changeField({ allowed: !list[at]?.allowed })(list, at),
  'what became': changeField({ after: [] }),
  'a time': changeField({ time: 5 }),
  'a hash': changeField({ hash: 'f'.repeat(64) }),
  'a link': changeField({ previous: 'f'.repeat(64) }),
  removal: remove,
  reordering: swap,
  'a rewritten record': rewrite(0),
  'three rewritten records': rewrite(2),
  'everything rewritten': rewrite(1000),
}

test('reports an untouched chain as intact, pruned or not', async () => {
  for (const [count, pruned] of [
    [0, 0],
    [1, 0],
    [57, 0],
    [57, 13],
    [57, 57],
  ] as const) {
    const report = await verifyChain(chainOf(count, pruned))
    expect(report).toMatchObject({ intact: true, records: count - pruned, faults: [] })
    expect(report.last).toBe(count === pruned ? 0 : count)
  }
})

test.each(Object.entries(mutations))('reports %s and its record', async (_, mutate) => {
  await fc.assert(
    fc.asyncProperty(fc.nat({ max: 40 }), fc.nat(), async (pruned, where) => {
      const chain = chainOf(57, pruned)
      const touched = mutate(chain.list, where % chain.list.length)
      const report = await verifyChain(chain)
      expect(report.intact).toBe(touched.length === 0)
      for (const sequence of touched) expect(names(report, sequence)).toBe(true)
    }),
    { numRuns: 40 },
  )
})

test('distinguishes moved records from changed ones', async () => {
  const chain = chainOf(57)
  swap(chain.list, 20)
  const { faults } = await verifyChain(chain)
  expect(faults.map(({ kind }) => kind)).toEqual(['moved', 'moved'])
  expect(faults[0]?.says).toMatch(
    /^Record 21 \(POST \/services of .*Z\) was written as record 30\.$/,
  )
})

test('reports records cut off at the end, even when an older checkpoint is used as head', async () => {
  const chain = chainOf(57)
  chain.list.splice(50)
  expect((await verifyChain(chain)).faults).toMatchObject([
    { kind: 'missing', sequence: 51, through: 57 },
  ])
  const older = chain.along.find(({ sequence }) => sequence === 50)
  const forged = older === undefined ? undefined : { ...older, kind: 'head' as const }
  expect((await verifyChain({ ...chain, head: forged })).faults[0]?.kind).toBe('forged')
})

test('rejects a checkpoint of another kind as the base of a pruned chain', async () => {
  const chain = chainOf(57)
  chain.list.splice(0, 20)
  const place = chain.along.find(({ sequence }) => sequence === 20)
  const base = place === undefined ? undefined : { ...place, kind: 'pruned' as const }
  const { faults } = await verifyChain({ ...chain, base })
  expect(faults).toMatchObject([{ kind: 'forged', sequence: 20 }])
})

test('detects a log that was replaced as a whole by a checkpoint kept elsewhere', async () => {
  const witness = chainOf(57).along[2]
  const other = chainOf(30)
  rewrite(1000)(other.list, 4)
  const last = other.list.at(-1) as ChainedRecord
  const replaced = { ...other, along: [], head: signCheckpoint(key, 'head', last, time) }
  expect((await verifyChain(replaced)).intact).toBe(true)
  const along = witness === undefined ? [] : [witness]
  expect((await verifyChain({ ...replaced, along })).faults).toMatchObject([
    { kind: 'contradicted', sequence: 1, through: 30 },
  ])
})

test('reports a chain whose end is not signed', async () => {
  const { faults } = await verifyChain({ ...chainOf(5), head: undefined })
  expect(faults).toMatchObject([{ kind: 'unsigned', sequence: 5 }])
})

test('reports at most a hundred faults, the first ones', async () => {
  const chain = chainOf(150)
  chain.list.forEach((record, at) => {
    chain.list[at] = { ...record, because: 'Nothing happened.' }
  })
  const report = await verifyChain(chain)
  expect(report).toMatchObject({ intact: false, records: 150 })
  expect(report.faults.map(({ sequence }) => sequence)).toEqual(
    Array.from({ length: 100 }, (_, index) => index + 1),
  )
})

test('rejects checkpoints signed by an unknown key', async () => {
  const chain = chainOf(3)
  const other = generateAuditKey()
  const last = chain.list.at(-1) as ChainedRecord
  const { faults } = await verifyChain({
    ...chain,
    head: signCheckpoint(other, 'head', last, time),
  })
  expect(faults[0]?.says).toBe(
    `The checkpoint 'head' at record 3 is signed by the unknown key ${other.id}.`,
  )
})

test('hashes a record as a whole as well as piece by piece', () => {
  const shown = fc.array(
    fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.double(), fc.boolean())),
  )
  fc.assert(
    fc.property(shown, shown, (before, after) => {
      const record = chainRecord(
        { sequence: 0, hash: beginning },
        { ...recordOf(1), before, after },
      )
      const { hash, ...link } = record
      expect(hash).toBe(hashOfLink(link))
    }),
  )
})
