import { connect as connectSocket, type Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, onTestFinished, test } from 'vitest'
import { openControlConnection } from '../../src/cluster/control-connection.ts'
import { makeNodeToken } from '../../src/cluster/node-token.ts'
import { openLog } from '../../src/lib/log.ts'
import { snapshotOf, type Snapshot } from '../../src/schema/snapshot.ts'
import { openSnapshotReader } from '../../src/snapshot/read-delta.ts'
import type { SealedState } from '../../src/snapshot/render-delta.ts'
import { generateSealKey } from '../../src/snapshot/seal-snapshot.ts'
import { snapshotRoot } from '../../src/snapshot/snapshot-root.ts'
import { enrolment, openTestControl, openWorker, seal } from '../harness/open-test-control.ts'

test('sends a worker only the differences from its snapshot', async () => {
  const control = await openTestControl()
  for (let at = 0; at < 500; at += 1) control.change(`s${at}`, 'x'.repeat(100))
  const base = control.current()
  const first = await openReader(control.url, base)
  const second = await openReader(control.url, base)
  await expect.poll(() => first.revision()).toBe(501)
  control.change('s7', 'y')
  await expect.poll(() => first.revision()).toBe(502)
  await expect.poll(() => second.revision()).toBe(502)
  expect(first.bytes()).toBeLessThan(1_500)
  const stranger = await openReader(control.url, seal(snapshotOf({}), 400, generateSealKey()))
  await expect.poll(() => stranger.revision()).toBe(502)
  expect(stranger.bytes()).toBeGreaterThan(50_000)
})

/** A reader of a stream that reads on demand. */
async function openReader(url: string, base?: SealedState) {
  const { port } = new URL(url)
  const socket = connectSocket(Number(port), '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  const token = makeNodeToken(enrolment, 'join')
  const version = { revision: String(base?.seal.revision), root: String(base?.seal.root) }
  const query = base === undefined ? '' : `?${new URLSearchParams(version).toString()}`
  // HTTP/1.0, so that the body is not chunked.
  socket.write(`GET /v2/snapshots${query} HTTP/1.0\r\nAuthorization: Bearer ${token}\r\n\r\n`)
  const reader = openSnapshotReader(base)
  const received: SealedState[] = []
  let text = ''
  let size = 0
  socket.on('data', (chunk) => {
    size += chunk.length
    text += String(chunk)
    const lines = text.split('\n')
    text = lines.pop() ?? ''
    for (const line of lines) {
      if (!line.startsWith('{')) continue
      const state = reader.read(line)
      if (state !== undefined) received.push(state)
    }
  })
  await new Promise<void>((resolve) => void socket.once('data', () => resolve()))
  return {
    socket: socket as Socket,
    received,
    bytes: () => size,
    revision: () => received.at(-1)?.seal.revision,
  }
}

test('a worker that does not read costs bounded memory, delays no other, and gets the newest snapshot', async () => {
  const control = await openTestControl()
  const stopped = await openReader(control.url)
  await expect.poll(() => stopped.revision()).toBe(1)
  stopped.socket.pause()
  const other = openWorker(control.url, control.roots, undefined)
  await expect.poll(() => other.last()?.seal.revision).toBe(1)
  const changes = 2_000
  let buffered = 0
  for (let at = 0; at < changes; at += 1) {
    control.change(`s${at % 50}`, `${at} ${'x'.repeat(20_000)}`)
    if (at % 10 === 0) await new Promise((resolve) => setImmediate(resolve))
    const lengths = [...control.responses].map(({ writableLength }) => writableLength)
    buffered = Math.max(buffered, ...lengths)
  }
  await expect.poll(() => other.last()?.seal.revision).toBe(changes + 1)
  expect(other.wrong).toEqual([])
  expect(buffered).toBeLessThan(1_500_000)
  expect(stopped.revision()).toBe(1)
  stopped.socket.resume()
  await expect.poll(() => stopped.revision()).toBe(changes + 1)
  expect(stopped.received.length).toBeLessThan(changes / 2)
  expect(snapshotRoot(stopped.received.at(-1)?.snapshot as Snapshot)).toBe(
    control.current().seal.root,
  )
})

test('changes in quick succession reach a worker together', async () => {
  const pauses: (() => void)[] = []
  const pause = (): Promise<void> => new Promise((resolve) => void pauses.push(resolve))
  const control = await openTestControl({ pause })
  const reader = await openReader(control.url)
  await expect.poll(() => reader.revision()).toBe(1)
  for (let at = 0; at < 50; at += 1) {
    control.change(`s${at}`, 'x')
    await new Promise((resolve) => setImmediate(resolve))
  }
  await expect.poll(() => pauses.length).toBe(1)
  pauses[0]?.()
  await expect
    .poll(() => reader.received.map(({ seal: { revision } }) => revision))
    .toEqual([1, 51])
})

test('a worker keeps no snapshots that it no longer needs', async () => {
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void
  const control = await openTestControl({ pause: async () => undefined })
  let last: number | undefined
  const received: WeakRef<Snapshot>[] = []
  const connection = openControlConnection({
    onSnapshot({ snapshot, seal: { revision } }) {
      last = revision
      received.push(new WeakRef(snapshot))
    },
    state: () => ({ revision: 0, spooledBytes: 0, exchanges: 0 }),
    onUnreachable: () => undefined,
    onOrders: () => undefined,
    log: openLog('worker', () => undefined),
  })
  onTestFinished(() => connection.close())
  connection.connect(control.url, enrolment)
  const changes = 1_000
  for (let at = 0; at < changes; at += 1) {
    control.change('s', String(at))
    await new Promise((resolve) => void setImmediate(resolve))
  }
  await expect.poll(() => last).toBe(changes + 1)
  await expect
    .poll(() => {
      collectGarbage()
      return received.filter((ref) => ref.deref() !== undefined).length
    })
    .toBeLessThan(10)
  expect(received.length).toBeGreaterThan(50)
})

test('disconnects a worker that reads nothing for the time allowed', async () => {
  const logged: string[] = []
  const control = await openTestControl({
    drainTimeout: 50,
    log: openLog('control', (line) => void logged.push(line)),
  })
  const stopped = await openReader(control.url)
  stopped.socket.pause()
  for (let at = 0; at < 40; at += 1) control.change(`s${at}`, 'x'.repeat(500_000))
  await expect.poll(() => logged.join()).toContain('disconnected because it does not read')
  await expect.poll(() => [...control.responses].every(({ destroyed }) => destroyed)).toBe(true)
})
