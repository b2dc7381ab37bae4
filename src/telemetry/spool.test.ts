import { fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { expect, test } from 'vitest'
import { openLog } from '../lib/log.ts'
import { Problem } from '../lib/problem.ts'
import { openRecorder } from './open-recorder.ts'
import { openSpool } from './open-spool.ts'
import { startShipping } from './start-shipping.ts'

const fresh = (): string => mkdtempSync(join(tmpdir(), 'weir-spool-'))
const event = (index: number): string => `{"request_id":"${index}"}`
const quiet = openLog('test', () => undefined)
/** Reads what a log writes. */
function openTestLog() {
  const lines: { readonly message: string; readonly batch?: string; readonly error?: unknown }[] =
    []
  return { lines, log: openLog('test', (line) => void lines.push(JSON.parse(line))) }
}
/** The files of the only spool under `root`, with their paths. */
const filesOf = (root: string): readonly string[] =>
  readdirSync(root).flatMap((own) =>
    readdirSync(join(root, own)).map((name) => join(root, own, name)),
  )

test('appended lines are in the closed segment until it is removed', async () => {
  const spool = openSpool(fresh())
  spool.append('one\n')
  spool.append('two\n')
  expect(spool.closed()).toEqual([])
  spool.rotate()
  const [batch = ''] = spool.closed()
  expect(String(await spool.read(batch))).toBe('one\ntwo\n')
  spool.remove(batch)
  expect([spool.closed(), spool.bytes]).toEqual([[], 0])
})

test('counts the bytes of the open and the closed segments', () => {
  const spool = openSpool(fresh())
  spool.append('12\n')
  expect(spool.bytes).toBe(3)
  spool.rotate()
  spool.append('1\n')
  expect(spool.bytes).toBe(5)
  spool.rotate()
  expect(spool.bytes).toBe(5)
})

test('keeps its files from other users, in folders that it creates', () => {
  const root = join(fresh(), 'data', 'spool')
  const spool = openSpool(root)
  spool.append('x\n')
  const [own = ''] = readdirSync(root)
  const [segment = ''] = filesOf(root)
  expect([join(root, own), segment].map((path) => statSync(path).mode & 0o777)).toEqual([
    0o700, 0o600,
  ])
})

test('closes a segment at 4 MiB, and its file with it', () => {
  const root = fresh()
  const spool = openSpool(root)
  const isOpenHere = (path: string): boolean => {
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
  spool.append(`${'x'.repeat(4 * 1024 * 1024 - 2)}\n`)
  expect(spool.closed()).toEqual([])
  expect(filesOf(root).map(isOpenHere)).toEqual([true])
  spool.append('\n')
  expect(spool.closed()).toHaveLength(1)
  expect(filesOf(root).map(isOpenHere)).toEqual([false])
  spool.append('\n')
  expect(filesOf(root)).toHaveLength(2)
})

test('removes a batch from the disk, and keeps a rejected one there', () => {
  const root = fresh()
  const spool = openSpool(root)
  spool.append('sent\n')
  spool.rotate()
  spool.remove(spool.closed()[0] ?? '')
  expect(filesOf(root)).toEqual([])
  spool.append('bad\n')
  spool.rotate()
  const [batch = ''] = spool.closed()
  spool.quarantine(batch)
  expect([spool.closed(), spool.bytes]).toEqual([[], 0])
  const [path = '', ...more] = filesOf(root)
  expect([path.endsWith(`${batch}.refused`), more]).toEqual([true, []])
  expect(String(readFileSync(path))).toBe('bad\n')
})

test('adopts the segments of a dead process under their names, without a partial last line', async () => {
  const root = fresh()
  const child = spawn('true')
  await once(child, 'exit')
  const dead = join(root, `${child.pid}-1`)
  mkdirSync(dead)
  writeFileSync(join(dead, 'batch-a.ndjson'), '{"a":1}\n')
  writeFileSync(join(dead, 'batch-b.open'), '{"b":1}\n{"b":2}\n{"b":')
  writeFileSync(join(dead, 'batch-c.open'), '{"torn')
  writeFileSync(join(dead, 'batch-d.refused'), '{"d":1}\n')
  writeFileSync(join(dead, 'batch-e.ndjson'), '{"e":1}')
  const spool = openSpool(root)
  spool.adopt()
  expect(spool.closed().toSorted()).toEqual(['batch-a', 'batch-b', 'batch-e'])
  expect(String(await spool.read('batch-b'))).toBe('{"b":1}\n{"b":2}\n')
  expect(String(await spool.read('batch-e')), 'a closed segment never changes').toBe('{"e":1}')
  expect(readdirSync(root)).toHaveLength(1)
  expect(
    filesOf(root)
      .map((path) => basename(path))
      .toSorted(),
  ).toEqual(['batch-a.ndjson', 'batch-b.ndjson', 'batch-d.refused', 'batch-e.ndjson'])
})

test('finishes an interrupted take-over, its own and that of a dead process', async () => {
  const root = fresh()
  const child = spawn('true')
  await once(child, 'exit')
  const dead = join(root, `${child.pid}-1`)
  mkdirSync(join(dead, 'adopted', 'older'), { recursive: true })
  writeFileSync(join(dead, 'batch-a.ndjson'), '{"a":1}\n')
  writeFileSync(join(dead, 'adopted', 'batch-b.ndjson'), '{"b":1}\n')
  writeFileSync(join(dead, 'adopted', 'older', 'batch-c.open'), '{"c":1}\n{"torn')
  const spool = openSpool(root)
  const [own = ''] = readdirSync(root).filter((name) => join(root, name) !== dead)
  mkdirSync(join(root, own, 'adopted'))
  writeFileSync(join(root, own, 'adopted', 'batch-d.ndjson'), '{"d":1}\n')
  spool.adopt()
  spool.adopt()
  expect(spool.closed().toSorted()).toEqual(['batch-a', 'batch-b', 'batch-c', 'batch-d'])
  expect(String(await spool.read('batch-c'))).toBe('{"c":1}\n')
  expect(spool.bytes).toBe(4 * '{"a":1}\n'.length)
  expect(readdirSync(root)).toEqual([own])
})

test('finishes an interrupted take-over even if no other process died', () => {
  const root = fresh()
  const spool = openSpool(root)
  const [own = ''] = readdirSync(root)
  mkdirSync(join(root, own, 'adopted'))
  writeFileSync(join(root, own, 'adopted', 'batch-a.ndjson'), '{"a":1}\n')
  spool.adopt()
  expect(spool.closed()).toEqual(['batch-a'])
  expect(readdirSync(join(root, own))).toEqual(['batch-a.ndjson'])
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

test('leaves no partial line when the disk is full', async () => {
  const script = `ulimit -f 8; exec "$0" "$1" "$2"`
  const path = join(import.meta.dirname, '../../test/flows/full-disk-child.ts')
  const child = spawn('bash', ['-c', `trap '' XFSZ; ${script}`, process.execPath, path, fresh()])
  const parts: string[] = []
  child.stdout.on('data', (part) => parts.push(String(part)))
  await once(child, 'close')
  const { failures, bytes, lines } = JSON.parse(parts.join('')) as {
    failures: number
    bytes: number
    lines: string[]
  }
  expect(failures).toBeGreaterThan(0)
  expect(lines.slice(-2)).toEqual(['last', ''])
  expect(new Set(lines.slice(0, -2).map(({ length }) => length))).toEqual(new Set([1_999]))
  expect(lines).toHaveLength(8 - failures + 2)
  expect(bytes).toBe((8 - failures) * 2_000 + 'last\n'.length)
})

test('does not adopt the folder of a running process', () => {
  const root = fresh()
  const mine = openSpool(root)
  mine.append('x\n')
  mine.adopt()
  mine.rotate()
  expect(mine.closed()).toHaveLength(1)
})

test('releases answers after their events are written, all of one turn by one write', async () => {
  const written: string[] = []
  const released: number[] = []
  const recorder = openRecorder({ append: (lines) => void written.push(lines) }, quiet)
  for (const index of [1, 2, 3]) {
    recorder.record(event(index), {
      release: () => released.push(written.length),
      abandon: () => undefined,
    })
  }
  expect([written, released]).toEqual([[], []])
  await new Promise(setImmediate)
  expect(written).toEqual(['{"request_id":"1"}\n{"request_id":"2"}\n{"request_id":"3"}\n'])
  expect(released).toEqual([1, 1, 1])
  recorder.record(event(4), {
    release: () => released.push(written.length),
    abandon: () => undefined,
  })
  await new Promise(setImmediate)
  expect(written.slice(1)).toEqual(['{"request_id":"4"}\n'])
  expect(released).toEqual([1, 1, 1, 2])
})

test('abandons the answers whose events cannot be written, and recovers', async () => {
  let isFull = true
  const ends: string[] = []
  const answer = (index: number) => ({
    release: () => void ends.push(`released ${index}`),
    abandon: () => void ends.push(`abandoned ${index}`),
  })
  const append = (): void => {
    if (isFull) throw new Error('ENOSPC')
  }
  const recorder = openRecorder(
    { append },
    openLog('test', (line) => ends.push(JSON.parse(line).error.message)),
  )
  recorder.record(event(1), answer(1))
  await new Promise(setImmediate)
  isFull = false
  recorder.record(event(2), answer(2))
  await new Promise(setImmediate)
  expect(ends).toEqual(['ENOSPC', 'abandoned 1', 'released 2'])
})

test('resends a batch unchanged until it is acknowledged, and sets a rejected one aside', async () => {
  const spool = openSpool(fresh())
  const sent: [string, string][] = []
  let failures = 3
  const lines: string[] = []
  const shipping = startShipping({
    spool,
    interval: 5,
    log: openLog('test', (line) => void lines.push(line)),
    async send(batch, lines) {
      sent.push([batch, String(lines)])
      if (String(lines) === 'bad\n') throw new Problem('test.bad', 400, 'no')
      failures -= 1
      if (failures >= 0) throw new Error('away')
    },
  })
  spool.append('bad\n')
  await expect.poll(() => spool.bytes).toBe(0)
  spool.append('good\n')
  await expect.poll(() => spool.bytes, { timeout: 45_000 }).toBe(0)
  await shipping.stop(1000)
  const logged = lines.map((line) => JSON.parse(line) as { message: string; batch: string })
  expect(logged.map(({ message }) => message)).toEqual([
    'shipping: batch rejected by the warehouse, it is kept in the spool',
    ...Array<string>(3).fill('shipping: batch not sent, it stays in the spool'),
  ])
  expect(lines.at(-1)).toContain('Error: away')
  const good = sent.filter(([, lines]) => lines === 'good\n')
  expect(good).toHaveLength(4)
  expect(new Set(good.map(([batch]) => batch)).size).toBe(1)
})

const never = 3_600_000

test('sends the batches of a dead process', async () => {
  const root = fresh()
  const child = spawn('true')
  await once(child, 'exit')
  mkdirSync(join(root, `${child.pid}-1`))
  writeFileSync(join(root, `${child.pid}-1`, 'batch-a.ndjson'), 'left\n')
  const sent: string[] = []
  const shipping = startShipping({
    spool: openSpool(root),
    interval: never,
    log: quiet,
    send: async (batch, lines) => void sent.push(`${batch} ${String(lines)}`),
  })
  await expect.poll(() => sent).toEqual(['batch-a left\n'])
  await shipping.stop(30_000)
  expect(filesOf(root)).toEqual([])
})

test('sends its own batches even if the spool of a dead process cannot be taken over', async () => {
  const root = fresh()
  const spool = openSpool(root)
  writeFileSync(join(root, 'no-folder'), '')
  const { log, lines } = openTestLog()
  const sent: string[] = []
  spool.append('mine\n')
  const shipping = startShipping({
    spool,
    interval: never,
    log,
    send: async (_, text) => void sent.push(String(text)),
  })
  await expect.poll(() => sent).toEqual(['mine\n'])
  expect(lines).toMatchObject([
    { message: 'shipping: spool of a dead process not taken over', error: expect.anything() },
  ])
  await shipping.stop(30_000)
})

test('a segment that cannot be closed is logged, takes further events, and is sent later', async () => {
  const root = fresh()
  const spool = openSpool(root)
  spool.append('one\n')
  const [open = ''] = filesOf(root)
  const obstacle = open.replace(/\.open$/, '.ndjson')
  mkdirSync(obstacle)
  const { log, lines } = openTestLog()
  const sent: string[] = []
  // The next round does not wait for the interval.
  const shipping = startShipping({
    spool,
    interval: never,
    log,
    send: async (_, text) => void sent.push(String(text)),
  })
  await expect.poll(() => lines[0]?.message).toBe('shipping: segment not closed')
  spool.append('two\n')
  rmdirSync(obstacle)
  await expect.poll(() => spool.bytes).toBe(0)
  expect([sent, existsSync(obstacle)]).toEqual([['one\ntwo\n'], false])
  await shipping.stop(30_000)
})

test('keeps the order of the batches while the warehouse is unavailable, and tries again before the interval is over', async () => {
  const spool = openSpool(fresh())
  for (const line of ['one\n', 'two\n']) {
    spool.append(line)
    spool.rotate()
  }
  const sent: string[] = []
  const shipping = startShipping({
    spool,
    interval: never,
    log: quiet,
    async send(_, text) {
      sent.push(String(text))
      if (sent.length === 1) throw new Problem('test.unavailable', 503, 'try again')
    },
  })
  await expect.poll(() => sent).toEqual(['one\n', 'one\n', 'two\n'])
  await shipping.stop(30_000)
})

test('sends the last events when it stops, and gives up when its time is over', async () => {
  const spool = openSpool(fresh())
  const sent: string[] = []
  const start = (send: (batch: string, lines: Buffer) => Promise<void>) =>
    startShipping({ spool, interval: never, log: quiet, send })
  const shipping = start(async (_, text) => void sent.push(String(text)))
  await new Promise(setImmediate)
  spool.append('last\n')
  await shipping.stop(30_000)
  expect(sent).toEqual(['last\n'])
  spool.append('hangs\n')
  await start(() => new Promise(() => undefined)).stop(1)
  expect(spool.closed()).toHaveLength(1)
})
