import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  fstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'
import {
  events,
  filesOf,
  freshSpoolRoot as fresh,
  pathsOf,
  segmentOf,
} from '../../test/harness/spool.ts'
import type { EventRecord } from '../schema/event.ts'
import { openSpool, type Spool } from './open-spool.ts'
import { segmentHead } from './segment/segment-writer.ts'

const idsOf = (spool: Spool): readonly string[] => spool.closed().map(({ batch }) => batch)

test('appended events are in the closed segment until it is removed', async () => {
  const spool = openSpool(fresh())
  spool.append(events('one'))
  spool.append(events('two', 'three'))
  expect(spool.closed()).toEqual([])
  spool.rotate()
  const [batch = ''] = idsOf(spool)
  expect(pathsOf(await spool.read(batch))).toEqual(['one', 'two', 'three'])
  spool.remove(batch)
  expect([spool.closed(), spool.bytes]).toEqual([[], 0])
})

test('counts the bytes of the open and the closed segments', () => {
  const root = fresh()
  const spool = openSpool(root)
  expect(spool.bytes).toBe(0)
  const sizes = (): number => filesOf(root).reduce((sum, path) => sum + statSync(path).size, 0)
  for (const path of ['one', 'two']) {
    spool.append(events(path))
    expect(spool.bytes).toBe(sizes())
    spool.rotate()
    expect(spool.bytes).toBe(sizes())
  }
})

test('keeps its files from other users, in folders that it creates', () => {
  const root = join(fresh(), 'data', 'spool')
  const spool = openSpool(root)
  spool.append(events('x'))
  const [own = ''] = readdirSync(root)
  const [segment = ''] = filesOf(root)
  expect([join(root, own), segment].map((path) => statSync(path).mode & 0o777)).toEqual([
    0o700, 0o600,
  ])
})

/** Whether this process has the file open. */
function isOpenHere(path: string): boolean {
  const { dev, ino } = statSync(path)
  return Array.from({ length: 1_024 }, (_, file) => file).some((file) => {
    try {
      const found = fstatSync(file)
      return found.dev === dev && found.ino === ino
    } catch {
      return false
    }
  })
}

test('closes a segment and its file at 4 MiB', () => {
  const root = fresh()
  const spool = openSpool(root)
  spool.append(events('x'.repeat(4 * 1024 * 1024 - segmentHead.length - 400)))
  expect(spool.closed()).toEqual([])
  expect(filesOf(root).map(isOpenHere)).toEqual([true])
  spool.append(events('y'.repeat(400)))
  expect(spool.closed()).toHaveLength(1)
  expect(filesOf(root).map(isOpenHere)).toEqual([false])
  spool.append(events('z'))
  expect(filesOf(root)).toHaveLength(2)
})

test('removes a batch from the disk, and keeps a rejected one there', () => {
  const root = fresh()
  const spool = openSpool(root)
  spool.append(events('sent'))
  spool.rotate()
  spool.remove(idsOf(spool)[0] ?? '')
  expect(filesOf(root)).toEqual([])
  spool.append(events('bad'))
  spool.rotate()
  const [batch = ''] = idsOf(spool)
  spool.quarantine(batch)
  expect([spool.closed(), spool.bytes]).toEqual([[], 0])
  const [path = '', ...more] = filesOf(root)
  expect([path.endsWith(`${batch}.refused`), more]).toEqual([true, []])
  expect(pathsOf(readFileSync(path))).toEqual(['bad'])
})

test('a sync closes the files of segments that were closed meanwhile, and no file twice', async () => {
  const root = fresh()
  const spool = openSpool(root, true)
  spool.append(events('one'))
  const [first = ''] = filesOf(root)
  const syncing = spool.sync()
  // Its turn in the queue comes.
  await Promise.resolve()
  spool.append(events('two'))
  spool.rotate()
  const closed = first.replace(/open$/, 'segment')
  expect(isOpenHere(closed)).toBe(true)
  await syncing
  expect(isOpenHere(closed), 'bytes that came during the sync still need one').toBe(true)
  await Promise.all([spool.sync(), spool.sync()])
  expect(isOpenHere(closed)).toBe(false)
  spool.append(events('three'))
  spool.rotate()
  await spool.sync()
  expect(filesOf(root).map(isOpenHere)).toEqual([false, false])
})

test('adopts the segments of a dead process under their names, without a partial last line', async () => {
  const root = fresh()
  const child = spawn('true')
  await once(child, 'exit')
  const dead = join(root, `${child.pid}-1`)
  mkdirSync(dead)
  const [one, two] = [segmentOf('one'), segmentOf('one', 'two')]
  writeFileSync(join(dead, 'batch-a.segment'), one)
  writeFileSync(join(dead, 'batch-b.open'), Buffer.concat([two, Buffer.alloc(300, 1)]))
  writeFileSync(join(dead, 'batch-c.open'), one.subarray(0, -1))
  writeFileSync(join(dead, 'batch-d.refused'), 'whatever')
  writeFileSync(join(dead, 'batch-e.open'), segmentHead.subarray(0, 5))
  const damaged = Buffer.from(two)
  damaged.fill(0, one.length - 10, one.length)
  writeFileSync(join(dead, 'batch-f.open'), damaged)
  const spool = openSpool(root)
  expect(spool.adopt()).toEqual([{ batch: 'batch-f', bytes: two.length, events: 2 }])
  expect(spool.closed()).toEqual([
    { batch: 'batch-a', form: 'segment', bytes: one.length, isAdopted: true },
    { batch: 'batch-b', form: 'segment', bytes: two.length, isAdopted: true },
  ])
  expect(pathsOf(await spool.read('batch-b'))).toEqual(['one', 'two'])
  expect(readdirSync(root)).toHaveLength(1)
  expect(
    filesOf(root)
      .map((path) => basename(path))
      .toSorted(),
  ).toEqual(['batch-a.segment', 'batch-b.segment', 'batch-d.refused'])
})

test('adopts segments of JSON Lines from earlier versions', async () => {
  const root = fresh()
  const child = spawn('true')
  await once(child, 'exit')
  const dead = join(root, `${child.pid}-1`)
  mkdirSync(dead)
  writeFileSync(join(dead, 'batch-a.ndjson'), '{"a":1}\n')
  writeFileSync(join(dead, 'batch-b.open'), '{"b":1}\n{"b":2}\n{"b":')
  const spool = openSpool(root)
  spool.adopt()
  expect(spool.closed().map(({ batch, form }) => [batch, form])).toEqual([
    ['batch-a', 'lines'],
    ['batch-b', 'lines'],
  ])
  expect(String(await spool.read('batch-a')), 'a closed segment never changes').toBe('{"a":1}\n')
  expect(String(await spool.read('batch-b'))).toBe('{"b":1}\n{"b":2}\n')
})

test('finishes interrupted take-overs of its own and of dead processes', async () => {
  const root = fresh()
  const child = spawn('true')
  await once(child, 'exit')
  const dead = join(root, `${child.pid}-1`)
  mkdirSync(join(dead, 'adopted', 'older'), { recursive: true })
  const one = segmentOf('one')
  writeFileSync(join(dead, 'batch-a.segment'), one)
  writeFileSync(join(dead, 'adopted', 'batch-b.segment'), one)
  writeFileSync(
    join(dead, 'adopted', 'older', 'batch-c.open'),
    Buffer.concat([one, Buffer.from('torn')]),
  )
  const spool = openSpool(root)
  const [own = ''] = readdirSync(root).filter((name) => join(root, name) !== dead)
  mkdirSync(join(root, own, 'adopted'))
  writeFileSync(join(root, own, 'adopted', 'batch-d.segment'), one)
  spool.adopt()
  spool.adopt()
  expect(idsOf(spool).toSorted()).toEqual(['batch-a', 'batch-b', 'batch-c', 'batch-d'])
  expect(pathsOf(await spool.read('batch-c'))).toEqual(['one'])
  expect(spool.bytes).toBe(4 * one.length)
  expect(readdirSync(root)).toEqual([own])
})

test('finishes an interrupted take-over even if no other process died', () => {
  const root = fresh()
  const spool = openSpool(root)
  const [own = ''] = readdirSync(root)
  mkdirSync(join(root, own, 'adopted'))
  writeFileSync(join(root, own, 'adopted', 'batch-a.segment'), segmentOf('one'))
  spool.adopt()
  expect(idsOf(spool)).toEqual(['batch-a'])
  expect(readdirSync(join(root, own))).toEqual(['batch-a.segment'])
})

test('of two processes that adopt at the same time, one takes each spool', async () => {
  const root = fresh()
  const gone = spawn('true')
  await once(gone, 'exit')
  const batches = Array.from({ length: 100 }, (_, at) => `batch-${at}`)
  for (const [at, batch] of batches.entries()) {
    mkdirSync(join(root, `${gone.pid}-${at}`))
    writeFileSync(join(root, `${gone.pid}-${at}`, `${batch}.ndjson`), '{}\n')
  }
  const path = join(import.meta.dirname, '../../test/flows/adopt-spools-child.ts')
  const children = [fork(path, [root]), fork(path, [root])]
  await Promise.all(children.map((child) => once(child, 'message')))
  const adopted = await Promise.all(
    children.map(async (child) => {
      const answer = once(child, 'message')
      child.send('adopt')
      return ((await answer) as [string[]])[0]
    }),
  )
  expect(adopted.flat().toSorted()).toEqual(batches.toSorted())
})

test('a full disk truncates no event: those whose write failed are absent, all others complete', async () => {
  const script = `ulimit -f 8; exec "$0" "$1" "$2"`
  const path = join(import.meta.dirname, '../../test/flows/full-disk-child.ts')
  const child = spawn('bash', ['-c', `trap '' XFSZ; ${script}`, process.execPath, path, fresh()])
  const parts: string[] = []
  child.stdout.on('data', (part) => parts.push(String(part)))
  await once(child, 'close')
  const found = JSON.parse(parts.join('')) as {
    readonly failures: number
    readonly written: readonly string[]
    readonly kept: readonly string[]
    readonly bytes: number
    readonly size: number
    readonly invalid: number
  }
  expect(found.failures).toBeGreaterThan(0)
  expect(found.written).toHaveLength(16 - found.failures)
  expect(found.kept).toEqual(found.written)
  expect([found.bytes, found.invalid]).toEqual([found.size, 0])
})

test('a segment that could not be closed after a failed write takes no further events', async () => {
  const root = fresh()
  const spool = openSpool(root)
  spool.append(events('one'))
  const [path = ''] = filesOf(root)
  const obstacle = path.replace(/open$/, 'segment')
  mkdirSync(obstacle)
  const broken = { ...events('two')[0], path: 7 } as unknown as EventRecord
  expect(() => spool.append([broken])).toThrow('EISDIR')
  expect(() => spool.append(events('three'))).toThrow('EISDIR')
  rmdirSync(obstacle)
  spool.append(events('four'))
  spool.rotate()
  const kept = await Promise.all(idsOf(spool).map((batch) => spool.read(batch)))
  expect(kept.map(pathsOf)).toEqual([['one'], ['four']])
})

test('does not adopt the folder of a running process', () => {
  const root = fresh()
  const mine = openSpool(root)
  mine.append(events('x'))
  mine.adopt()
  mine.rotate()
  expect(mine.closed()).toHaveLength(1)
})
