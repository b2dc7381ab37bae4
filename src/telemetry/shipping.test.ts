import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import {
  events,
  filesOf,
  freshSpoolRoot as fresh,
  openTestLog,
  pathsOf,
} from '../../test/harness/spool.ts'
import { openLog, silentLog as quiet } from '../lib/log.ts'
import { Problem } from '../lib/problem.ts'
import { openSpool } from './open-spool.ts'
import { startShipping, type Shipment } from './start-shipping.ts'

const never = 3_600_000

/** Takes every batch. */
const sendTo =
  (sent: string[]) =>
  async ({ content }: Shipment): Promise<undefined> => {
    sent.push(pathsOf(content).join(' '))
  }

test('resends a batch unchanged until it is acknowledged, and sets a rejected one aside', async () => {
  const spool = openSpool(fresh())
  const sent: [string, string, boolean][] = []
  let failures = 3
  const lines: string[] = []
  const shipping = startShipping({
    spool,
    interval: 5,
    log: openLog('test', (line) => void lines.push(line)),
    async send({ batch, content, isRepeated }) {
      const [path = ''] = pathsOf(content)
      sent.push([batch, path, isRepeated])
      if (path === 'bad') throw new Problem('test.bad', 400, 'no')
      failures -= 1
      if (failures >= 0) throw new Error('away')
      return undefined
    },
  })
  spool.append(events('bad'))
  await expect.poll(() => spool.bytes).toBe(0)
  spool.append(events('good'))
  await expect.poll(() => spool.bytes, { timeout: 45_000 }).toBe(0)
  await shipping.stop(1000)
  const logged = lines.map((line) => JSON.parse(line) as { message: string; batch: string })
  expect(logged.map(({ message }) => message)).toEqual([
    'shipping: batch rejected by the control plane, it is kept in the spool',
    ...Array<string>(3).fill('shipping: batch not sent, it stays in the spool'),
  ])
  expect(lines.at(-1)).toContain('Error: away')
  const good = sent.filter(([, path]) => path === 'good')
  expect(good.map(([, , isRepeated]) => isRepeated)).toEqual([false, true, true, true])
  expect(new Set(good.map(([batch]) => batch)).size).toBe(1)
})

test('sends the batches of a dead process', async () => {
  const root = fresh()
  const child = spawn('true')
  await once(child, 'exit')
  mkdirSync(join(root, `${child.pid}-1`))
  const earlier = openSpool(fresh())
  earlier.append(events('left'))
  earlier.rotate()
  const [segment] = earlier.closed()
  writeFileSync(
    join(root, `${child.pid}-1`, 'batch-a.segment'),
    await earlier.read(segment?.batch ?? ''),
  )
  const sent: unknown[] = []
  const shipping = startShipping({
    spool: openSpool(root),
    interval: never,
    log: quiet,
    send: async ({ batch, content, form, isRepeated }) => {
      sent.push([batch, form, pathsOf(content).join(), isRepeated])
      return undefined
    },
  })
  await expect.poll(() => sent).toEqual([['batch-a', 'segment', 'left', true]])
  await shipping.stop(30_000)
  expect(filesOf(root)).toEqual([])
})

test('sends its own batches even if the spool of a dead process cannot be taken over', async () => {
  const root = fresh()
  const spool = openSpool(root)
  writeFileSync(join(root, 'no-folder'), '')
  const { log, lines } = openTestLog()
  const sent: string[] = []
  spool.append(events('mine'))
  const shipping = startShipping({
    spool,
    interval: never,
    log,
    send: sendTo(sent),
  })
  await expect.poll(() => sent).toEqual(['mine'])
  expect(lines).toMatchObject([
    { message: 'shipping: spool of a dead process not taken over', error: expect.anything() },
  ])
  await shipping.stop(30_000)
})

test('a segment that cannot be closed is logged, takes further events, and is sent later', async () => {
  const root = fresh()
  const spool = openSpool(root)
  spool.append(events('one'))
  const [open = ''] = filesOf(root)
  const obstacle = open.replace(/\.open$/, '.segment')
  mkdirSync(obstacle)
  const { log, lines } = openTestLog()
  const sent: string[] = []
  // The next round does not wait for the interval.
  const shipping = startShipping({
    spool,
    interval: never,
    log,
    send: sendTo(sent),
  })
  await expect.poll(() => lines[0]?.message).toBe('shipping: segment not closed')
  spool.append(events('two'))
  rmdirSync(obstacle)
  await expect.poll(() => spool.bytes).toBe(0)
  expect([sent, existsSync(obstacle)]).toEqual([['one two'], false])
  await shipping.stop(30_000)
})

test('keeps the order of the batches while the warehouse is unavailable, and tries again before the interval is over', async () => {
  const spool = openSpool(fresh())
  for (const path of ['one', 'two']) {
    spool.append(events(path))
    spool.rotate()
  }
  const sent: string[] = []
  const shipping = startShipping({
    spool,
    interval: never,
    log: quiet,
    async send({ content }) {
      sent.push(pathsOf(content).join(' '))
      if (sent.length === 1) throw new Problem('test.unavailable', 503, 'try again')
      return undefined
    },
  })
  await expect.poll(() => sent).toEqual(['one', 'one', 'two'])
  await shipping.stop(30_000)
})

test('sends the last events when it stops, and gives up after its timeout', async () => {
  const spool = openSpool(fresh())
  const sent: string[] = []
  const start = (send: Parameters<typeof startShipping>[0]['send']) =>
    startShipping({ spool, interval: never, log: quiet, send })
  const shipping = start(sendTo(sent))
  await new Promise(setImmediate)
  spool.append(events('last'))
  await shipping.stop(30_000)
  expect(sent).toEqual(['last'])
  spool.append(events('hangs'))
  await start(() => new Promise(() => undefined)).stop(1)
  expect(spool.closed()).toHaveLength(1)
})
