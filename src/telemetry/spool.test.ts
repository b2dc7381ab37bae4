import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openLog } from '../lib/log.ts'
import { Problem } from '../lib/problem.ts'
import { openRecorder } from './open-recorder.ts'
import { openSpool } from './open-spool.ts'
import { startShipping } from './start-shipping.ts'

const fresh = (): string => mkdtempSync(join(tmpdir(), 'weir-spool-'))
const event = (index: number): string => `{"request_id":"${index}"}`
const quiet = openLog('test', () => undefined)

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

test('adopts the segments of a dead process under their names, without a partial last line', async () => {
  const root = fresh()
  const child = spawn('true')
  await once(child, 'exit')
  const dead = join(root, `${child.pid}-1`)
  mkdirSync(dead)
  writeFileSync(join(dead, 'batch-a.ndjson'), '{"a":1}\n')
  writeFileSync(join(dead, 'batch-b.open'), '{"b":1}\n{"b":2}\n{"b":')
  writeFileSync(join(dead, 'batch-c.open'), '{"torn')
  const spool = openSpool(root)
  spool.adopt()
  expect(spool.closed().toSorted()).toEqual(['batch-a', 'batch-b'])
  expect(String(await spool.read('batch-b'))).toBe('{"b":1}\n{"b":2}\n')
  expect(readdirSync(root)).toHaveLength(1)
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
