import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { expect, test } from 'vitest'
import { events, openTestLog, segmentOf } from '../../test/harness/spool.ts'
import { Problem } from '../lib/problem.ts'
import type { ColumnBlock } from '../schema/column-block.ts'
import { silentLog } from '../lib/log.ts'
import type { EventRecord } from '../schema/event.ts'
import { openIntake, type Intake, type IntakeOptions } from './open-intake.ts'
import { readSegment } from './segment/read-segment.ts'
import { firstEventOf, openBatchReceiver } from './receive-batch.ts'
import { segmentHead, SegmentWriter } from './segment/segment-writer.ts'
import { startLoading } from './start-loading.ts'

const options: IntakeOptions = { maxBatches: 100, isSynced: false, maxBytes: 1e9 }
const fresh = (): string => mkdtempSync(join(tmpdir(), 'weir-intake-'))

/** Stored batches, by id of the load. */
function openTestStore() {
  const stored = new Map<string, readonly string[]>()
  return {
    stored,
    paths: () => [...stored.values()].flat().toSorted(),
    async insert(this: void, id: string, { texts, columns }: ColumnBlock): Promise<void> {
      const column = columns.get('path')
      if (column?.kind !== 'text') throw new Error('no paths')
      stored.set(
        id,
        Array.from(column.indexes, (index) => texts[index] as string),
      )
    },
  }
}

const quick = { watched: 1, unwatched: 1 }
const load = async (intake: Intake, insert: ReturnType<typeof openTestStore>['insert']) => {
  await startLoading({
    intake,
    insert,
    isWatched: () => true,
    log: silentLog,
    intervals: quick,
  }).stop(30_000)
}

test('received batches are stored together, and then removed from the disk', async () => {
  const directory = fresh()
  const intake = openIntake(directory, { ...options, isSynced: true })
  await intake.receive('b-1', segmentOf('one', 'two'))
  await intake.receive('b-2', segmentOf('three'))
  expect([intake.holds('b-1'), intake.holds('b-3'), intake.bytes > 0]).toEqual([true, false, true])
  const store = openTestStore()
  await load(intake, store.insert)
  expect([...store.stored]).toEqual([['b-1', ['one', 'two', 'three']]])
  expect([intake.holds('b-1'), intake.bytes]).toEqual([false, 0])
  expect(readdirSync(directory, { recursive: true })).toEqual(['loads'])
})

test('a warehouse that deduplicates batches by id gets each batch by itself under its id', async () => {
  const intake = openIntake(fresh(), { ...options, maxBatches: 1 })
  for (const batch of ['b-1', 'b-2']) await intake.receive(batch, segmentOf(batch))
  const store = openTestStore()
  await load(intake, store.insert)
  expect([...store.stored]).toEqual([
    ['b-1', ['b-1']],
    ['b-2', ['b-2']],
  ])
})

test('a load that an earlier process did not finish is stored under the same id with the same rows', async () => {
  const directory = fresh()
  const first = openIntake(directory, options)
  for (const batch of ['b-2', 'b-1']) await first.receive(batch, segmentOf(batch))
  const store = openTestStore()
  // Stored, and not known to be.
  await load(first, async (id, block) => {
    await store.insert(id, block)
    throw new Error('killed')
  })
  await first.receive('b-3', segmentOf('b-3'))
  const [id] = [...store.stored.keys()]
  const again = openTestStore()
  const second = openIntake(directory, options)
  await load(second, again.insert)
  expect(again.stored.get(id ?? '')?.toSorted()).toEqual(['b-1', 'b-2'])
  expect(again.paths()).toEqual(['b-1', 'b-2', 'b-3'])
  expect(second.bytes).toBe(0)
})

test('a process that dies while it forms a load, or receives a batch, leaves nothing twice', async () => {
  const directory = fresh()
  await openIntake(directory, options).receive('b-1', segmentOf('one'))
  const forming = join(directory, 'loads', 'b-1.forming')
  mkdirSync(forming)
  renameSync(join(directory, 'b-1.segment'), join(forming, 'b-1'))
  writeFileSync(join(directory, 'b-2.segment.part'), segmentOf('two').subarray(0, 40))
  const intake = openIntake(directory, options)
  expect([intake.holds('b-1'), intake.holds('b-2')]).toEqual([true, false])
  const store = openTestStore()
  await load(intake, store.insert)
  expect(store.paths()).toEqual(['one'])
  expect(readdirSync(directory)).toEqual(['loads'])
})

test('a repeated batch is kept once, whether it waits or was stored', async () => {
  const intake = openIntake(fresh(), options)
  const stored: string[] = []
  const isStored = async ({ request_id }: { request_id: string }) => stored.includes(request_id)
  const content = segmentOf('one')
  const receive = openBatchReceiver(intake, isStored)
  await Promise.all([false, true, true].map((isRepeated) => receive('b-1', content, isRepeated)))
  await receive('b-1', content, true)
  expect(intake.bytes).toBe(content.length)
  const store = openTestStore()
  await load(intake, store.insert)
  stored.push(firstEventOf(readSegment(content))?.request_id ?? '')
  await receive('b-1', content, true)
  expect([intake.bytes, store.paths()]).toEqual([0, ['one']])
})

test('a batch whose first request is slower than the load and the repetition is kept once', async () => {
  const intake = openIntake(fresh(), options)
  const [answer, started] = [Promise.withResolvers<boolean>(), Promise.withResolvers<void>()]
  const isStored = () => {
    started.resolve()
    return answer.promise
  }
  const receive = openBatchReceiver(intake, isStored)
  const content = segmentOf('one')
  const slow = receive('b-1', content, true)
  await started.promise
  const repeated = receive('b-1', content, true)
  answer.resolve(false)
  await slow
  const store = openTestStore()
  await load(intake, store.insert)
  await repeated
  await load(intake, store.insert)
  expect([store.paths(), intake.bytes]).toEqual([['one'], 0])
})

test('a load that cannot be formed, as on a full disk, is kept and stored later', async () => {
  const directory = fresh()
  const intake = openIntake(directory, options)
  for (const batch of ['b-1', 'b-2']) await intake.receive(batch, segmentOf(batch))
  const obstacle = join(directory, 'loads', 'b-1')
  mkdirSync(obstacle)
  writeFileSync(join(obstacle, 'x'), '')
  const store = openTestStore()
  await load(intake, store.insert)
  expect([store.paths(), intake.holds('b-2')]).toEqual([[], true])
  rmSync(obstacle, { recursive: true })
  await load(intake, store.insert)
  expect([store.paths(), intake.bytes]).toEqual([['b-1', 'b-2'], 0])
})

test('a batch of a load that an earlier process did not finish is held from the start', async () => {
  const directory = fresh()
  const first = openIntake(directory, options)
  await first.receive('b-1', segmentOf('one'))
  await load(first, () => Promise.reject(new Error('killed')))
  expect(openIntake(directory, options).holds('b-1')).toBe(true)
})

test('refuses batches that it cannot keep, and ids that lead out of its directory', async () => {
  const content = segmentOf('one')
  const intake = openIntake(fresh(), { ...options, maxBytes: content.length })
  for (const batch of ['../b', 'a/b', '', '.', 'x'.repeat(101)])
    await expect(intake.receive(batch, content)).rejects.toMatchObject({ status: 400 })
  const cut = content.subarray(0, -1)
  await expect(intake.receive('b-1', cut)).rejects.toMatchObject({ status: 422 })
  await intake.receive('b-1', content)
  await expect(intake.receive('b-2', content)).rejects.toMatchObject({ status: 503 })
  await load(intake, async () => undefined)
  await intake.receive('b-2', content)
})

test('an unavailable warehouse is retried; batches that it can never store are set aside', async () => {
  const directory = fresh()
  const intake = openIntake(directory, { ...options, maxBatches: 1 })
  for (const batch of ['b-1', 'b-2', 'b-3']) await intake.receive(batch, segmentOf(batch))
  const store = openTestStore()
  let failures = 2
  const loading = startLoading({
    intake,
    async insert(id, block) {
      if (id === 'b-2') throw new Problem('test.never', 400, 'no')
      if (id === 'b-1' && failures-- > 0) throw new Error('away')
      await store.insert(id, block)
    },
    isWatched: () => false,
    log: silentLog,
    intervals: quick,
  })
  await expect.poll(() => store.paths(), { timeout: 30_000 }).toEqual(['b-1', 'b-3'])
  await loading.stop(30_000)
  expect(readdirSync(join(directory, 'refused'))).toEqual(['b-2.segment'])
  expect(intake.refused).toBe(1)
  expect(intake.bytes).toBe(0)
})

test('unwatched events are stored later, and at once when they are watched', async () => {
  const intake = openIntake(fresh(), options)
  const store = openTestStore()
  let isWatched = false
  const loading = startLoading({
    intake,
    insert: store.insert,
    isWatched: () => isWatched,
    log: silentLog,
    intervals: { watched: 1, unwatched: 3_600_000 },
  })
  await intake.receive('b-1', segmentOf('one'))
  loading.wake()
  await expect.poll(() => store.paths(), { timeout: 30_000 }).toEqual(['one'])
  await intake.receive('b-2', segmentOf('two'))
  loading.wake()
  await new Promise((resolve) => void setTimeout(resolve, 20))
  expect(store.paths()).toEqual(['one'])
  isWatched = true
  loading.wake()
  await expect.poll(() => store.paths(), { timeout: 30_000 }).toEqual(['one', 'two'])
  await loading.stop(30_000)
})

/** A segment whose frames are right and whose events are not. */
function undecodable(): Buffer {
  const writer = new SegmentWriter()
  writer.add(events('x')[0] as EventRecord)
  const frame = Buffer.from(writer.takeFrame() ?? '')
  frame.writeUInt32LE(2, 8)
  frame.writeUInt32LE(crc32(frame.subarray(8)), 4)
  return Buffer.concat([segmentHead, frame])
}

test.each([1, 2, 63, 100])(
  'of %s batches only rejected and undecodable ones are set aside, with few inserts',
  async (count) => {
    const directory = fresh()
    const intake = openIntake(directory, options)
    const names = Array.from({ length: count }, (_, at) => `b-${String(at).padStart(3, '0')}`)
    const poisoned = names[Math.floor(count / 3)] as string
    const broken = count > 1 ? (names.at(-1) as string) : undefined
    for (const name of names)
      await intake.receive(
        name,
        name === broken ? undecodable() : segmentOf(name),
        `node-of-${name}`,
      )
    const store = openTestStore()
    let inserts = 0
    const { log, lines } = openTestLog()
    await startLoading({
      intake,
      async insert(id, block) {
        inserts += 1
        const before = store.stored.get(id)
        await store.insert(id, block)
        if (store.stored.get(id)?.includes(poisoned) !== true) return
        if (before === undefined) store.stored.delete(id)
        else store.stored.set(id, before)
        throw new Problem('test.poison', 400, 'this row is wrong')
      },
      isWatched: () => true,
      log,
      intervals: quick,
    }).stop(30_000)
    const bad = [poisoned, ...(broken === undefined ? [] : [broken])].toSorted()
    expect(store.paths()).toEqual(names.filter((name) => !bad.includes(name)))
    expect(readdirSync(join(directory, 'refused')).toSorted()).toEqual(
      bad.map((name) => `${name}.segment`),
    )
    expect(readdirSync(join(directory, 'loads'))).toEqual([])
    expect([intake.bytes, intake.isEmpty, intake.refused]).toEqual([0, true, bad.length])
    expect(openIntake(directory, options).refused).toBe(bad.length)
    expect(inserts).toBeLessThanOrEqual(1 + 4 * Math.ceil(Math.log2(count + 1)))
    const logged = lines.filter(({ message }) => message.includes('intake/refused'))
    expect(logged.map(({ batch }) => `${batch}`).toSorted()).toEqual(bad)
    const reasons = new Map(logged.map((line) => [line.batch, line]))
    expect(reasons.get(poisoned)).toMatchObject({
      node: `node-of-${poisoned}`,
      reason: 'this row is wrong',
    })
  },
)

test('a load that is partly stored is repeated after a rejection, not split', async () => {
  const intake = openIntake(fresh(), options)
  for (const batch of ['b-1', 'b-2']) await intake.receive(batch, segmentOf(batch))
  const store = openTestStore()
  let refusals = 2
  const loading = startLoading({
    intake,
    async insert(id, block) {
      if (refusals-- > 0) throw new Problem('test.part', 400, 'a view refuses it')
      await store.insert(id, block)
    },
    isStored: async () => true,
    isWatched: () => true,
    log: silentLog,
    intervals: quick,
  })
  await expect.poll(() => [...store.stored], { timeout: 30_000 }).toEqual([['b-1', ['b-1', 'b-2']]])
  await loading.stop(30_000)
})

test('a load that always fails does not block others', async () => {
  const intake = openIntake(fresh(), { ...options, maxBatches: 1 })
  for (const batch of ['b-1', 'b-2', 'b-3']) await intake.receive(batch, segmentOf(batch))
  const store = openTestStore()
  let isMended = false
  const loading = startLoading({
    intake,
    async insert(id, block) {
      if (id === 'b-1' && !isMended) throw new Error('it always fails')
      await store.insert(id, block)
    },
    isWatched: () => true,
    log: silentLog,
    intervals: quick,
  })
  await expect.poll(() => store.paths(), { timeout: 60_000 }).toEqual(['b-2', 'b-3'])
  await intake.receive('b-4', segmentOf('b-4'))
  loading.wake()
  await expect.poll(() => store.paths(), { timeout: 60_000 }).toEqual(['b-2', 'b-3', 'b-4'])
  isMended = true
  await expect.poll(() => store.paths(), { timeout: 60_000 }).toEqual(['b-1', 'b-2', 'b-3', 'b-4'])
  await loading.stop(30_000)
})

test.each([0, 1, 2])(
  'a process that dies after %s moves of a split leaves nothing twice',
  async (moves) => {
    const directory = fresh()
    const first = openIntake(directory, options)
    const batches = ['b-1', 'b-2', 'b-3', 'b-4']
    for (const batch of batches) await first.receive(batch, segmentOf(batch))
    await load(first, () => Promise.reject(new Error('killed')))
    const loads = join(directory, 'loads')
    mkdirSync(join(loads, 'b-3.forming'))
    for (const batch of ['b-3', 'b-4'].slice(0, moves))
      renameSync(join(loads, 'b-1', batch), join(loads, 'b-3.forming', batch))
    const store = openTestStore()
    await load(openIntake(directory, options), store.insert)
    expect(store.paths()).toEqual(batches)
  },
)

test('a node with many batches does not delay those of others', async () => {
  const intake = openIntake(fresh(), { ...options, maxBatches: 4 })
  for (let at = 0; at < 20; at += 1) await intake.receive(`a-${at}`, segmentOf(`a-${at}`), 'a')
  for (let at = 0; at < 3; at += 1) await intake.receive(`b-${at}`, segmentOf(`b-${at}`), 'b')
  await intake.receive('c-0', segmentOf('c-0'), 'c')
  const store = openTestStore()
  await load(intake, store.insert)
  expect([...store.stored.values()].slice(0, 3)).toEqual([
    ['a-0', 'b-0', 'c-0', 'a-1'],
    ['b-1', 'a-2', 'b-2', 'a-3'],
    ['a-4', 'a-5', 'a-6', 'a-7'],
  ])
  expect(store.paths()).toHaveLength(24)
})

test('a node that fills the intake leaves space for others', async () => {
  const content = segmentOf('one')
  const intake = openIntake(fresh(), { ...options, maxBytes: 10 * content.length })
  await intake.receive('b-0', content, 'b')
  const fill = async (node: string): Promise<number> => {
    for (let count = 0; ; count += 1) {
      try {
        await intake.receive(`${node}-more-${count}`, content, node)
      } catch {
        return count
      }
    }
  }
  expect([await fill('a'), await fill('b'), await fill('c')]).toEqual([5, 2, 2])
})
