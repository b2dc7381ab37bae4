import { mkdtempSync, readdirSync, statSync, truncateSync } from 'node:fs'
import type * as fileSystem from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test, vi } from 'vitest'
import type { Durability } from '../../src/telemetry/open-recorder.ts'
import { mountSmallDisk } from '../harness/mount-small-disk.ts'
import { openTestIntake, openTestNode, type TestLink } from '../harness/open-test-pipeline.ts'
import { until } from '../harness/until.ts'

type Files = typeof fileSystem

/** Faults of the spool's file system calls. */
const disk = vi.hoisted(() => ({
  fault: undefined as undefined | (() => 'short' | 'fail' | 'fail half-way' | undefined),
  /** Bytes of files that survive a loss of power, by inode. */
  synced: new Map<number, number>(),
}))

vi.mock('node:fs', async (original) => {
  const fs = await original<Files>()
  const writeSync = (file: number, bytes: Buffer, from = 0, length = bytes.length - from) => {
    const fault = disk.fault?.()
    const half = Math.max(1, Math.floor(length / 2))
    if (fault === 'short') return fs.writeSync(file, bytes, from, half)
    if (fault === 'fail half-way') fs.writeSync(file, bytes, from, half)
    if (fault !== undefined) throw Object.assign(new Error('EIO: i/o error'), { code: 'EIO' })
    return fs.writeSync(file, bytes, from, length)
  }
  const ftruncateSync = (file: number, length: number): void => {
    if (disk.fault?.() === 'fail') throw new Error('EIO: i/o error, ftruncate')
    fs.ftruncateSync(file, length)
  }
  const fdatasync: Files['fdatasync'] = Object.assign(
    (file: number, callback: (error: NodeJS.ErrnoException | null) => void): void => {
      const { ino, size } = fs.fstatSync(file)
      setTimeout(() => {
        disk.synced.set(ino, Math.max(size, disk.synced.get(ino) ?? 0))
        callback(null)
      }, 1)
    },
    { __promisify__: undefined as never },
  )
  return { ...fs, writeSync, ftruncateSync, fdatasync }
})

afterEach(() => {
  disk.fault = undefined
  vi.restoreAllMocks()
})

const requests = async (node: ReturnType<typeof openTestNode>, count: number): Promise<void> => {
  for (let sent = 0; sent < count; sent += 20) {
    await Promise.all(Array.from({ length: 20 }, node.request))
    await sleep(1)
  }
}

const unreliable: TestLink = async (shipment, deliver) => {
  const luck = Math.random()
  if (luck < 0.2) throw new Error('lost on its way')
  await sleep(Math.random() * 10)
  await deliver(shipment)
  // A request that was given up still arrives.
  if (luck < 0.4)
    void sleep(Math.random() * 30).then(() => deliver({ ...shipment, isRepeated: true }))
  if (luck < 0.6) throw new Error('its acknowledgement was lost')
}

test('batches that are lost, repeated and reordered, of two nodes with the same name, are stored once', async () => {
  const control = openTestIntake()
  const nodes = [1, 2].map(() => openTestNode(control, { node: 'twin', link: unreliable }))
  await Promise.all(nodes.map((node) => requests(node, 600)))
  await Promise.all(nodes.map((node) => node.untilSent()))
  await sleep(50)
  await until('the intake to be empty', () => control.intake.bytes === 0)
  const answered = nodes.flatMap((node) => [...node.answered])
  expect(answered).toHaveLength(1_200)
  expect(control.store.ids()).toEqual(answered.toSorted())
  await Promise.all([...nodes.map((node) => node.stop()), control.stop()])
})

test.each([-3_600_000, 3_600_000])(
  'a clock that steps by %s ms loses and repeats nothing',
  async (by) => {
    const control = openTestIntake()
    const node = openTestNode(control)
    await requests(node, 200)
    const real = Date.now.bind(Date)
    vi.spyOn(Date, 'now').mockImplementation(() => real() + by)
    await requests(node, 200)
    vi.restoreAllMocks()
    await requests(node, 200)
    await node.untilSent()
    await until('the intake to be empty', () => control.intake.bytes === 0)
    expect(node.answered.size).toBe(600)
    expect(control.store.ids()).toEqual([...node.answered].toSorted())
    await Promise.all([node.stop(), control.stop()])
  },
)

test('writes that fail, or write in part, lose no answered request and break the connections of the others', async () => {
  const control = openTestIntake()
  const node = openTestNode(control)
  const faults = [undefined, undefined, undefined, 'short', 'fail', 'fail half-way'] as const
  disk.fault = () => faults[Math.floor(Math.random() * faults.length)]
  await requests(node, 1_000)
  disk.fault = undefined
  await node.untilSent()
  await until('the intake to be empty', () => control.intake.bytes === 0)
  expect(node.answered.size).toBeGreaterThan(100)
  expect(node.answered.size).toBeLessThan(1_000)
  expect(control.store.ids()).toEqual([...node.answered].toSorted())
  await Promise.all([node.stop(), control.stop()])
})

test('a warehouse that is unavailable while hundreds of batches arrive gets them in few inserts', async () => {
  const control = openTestIntake()
  control.store.state.isAway = true
  const node = openTestNode(control)
  let batches = 0
  while (batches < 300) {
    await node.request()
    await node.untilSent()
    batches += 1
  }
  const before = control.store.state.inserts
  control.store.state.isAway = false
  await until('the intake to be empty', () => control.intake.bytes === 0)
  expect(control.store.ids()).toEqual([...node.answered].toSorted())
  expect(control.store.state.inserts - before).toBeLessThan(30)
  await Promise.all([node.stop(), control.stop()])
})

test('a full disk of the intake keeps batches on their nodes until there is space', async (context) => {
  const directory = mkdtempSync(join(tmpdir(), 'weir-small-'))
  mountSmallDisk(context, directory, 256 * 1024)
  const control = openTestIntake(directory)
  control.store.state.isAway = true
  let refused = 0
  const node = openTestNode(control, {
    link: (shipment, deliver) =>
      deliver(shipment).catch((error: NodeJS.ErrnoException) => {
        refused += Number(error.code === 'ENOSPC')
        throw error
      }),
  })
  while (refused === 0) await requests(node, 100)
  await until('more refusals', () => refused >= 3)
  expect(readdirSync(directory).filter((name) => name.endsWith('.part'))).toEqual([])
  control.store.state.isAway = false
  await node.untilSent()
  await until('the intake to be empty', () => control.intake.bytes === 0)
  expect(control.store.ids()).toEqual([...node.answered].toSorted())
  await Promise.all([node.stop(), control.stop()])
})

/** Keeps only the synced bytes of the files of a spool. */
function losePower(root: string): void {
  for (const { name, parentPath } of readdirSync(root, { recursive: true, withFileTypes: true })) {
    const path = join(parentPath, name)
    const found = statSync(path)
    if (found.isFile()) truncateSync(path, Math.min(found.size, disk.synced.get(found.ino) ?? 0))
  }
}

test.each<Durability>([
  { mode: 'commit' },
  { mode: 'interval', milliseconds: 20 },
  { mode: 'strict' },
])(
  'after a loss of power with $mode the warehouse has what that promises, once',
  async (durability) => {
    const away: TestLink = () => Promise.reject(new Error('away'))
    const control = openTestIntake()
    const node = openTestNode(control, { durability, link: away })
    await requests(node, 200)
    const early = new Set(node.answered)
    // The events of the last interval may be lost.
    if (durability.mode === 'interval') await sleep(200)
    const waiting = Array.from({ length: 100 }, node.request)
    await sleep(1)
    const promised = durability.mode === 'strict' ? new Set(node.answered) : early
    const recorded = new Set(node.answered)
    losePower(node.root)
    await Promise.all(waiting)
    for (const id of node.answered) recorded.add(id)
    // The next process finds what is left under the name of one that is dead.
    const [own = ''] = readdirSync(node.root)
    const root = mkdtempSync(join(tmpdir(), 'weir-after-'))
    const { cpSync } = await import('node:fs')
    losePower(node.root)
    cpSync(join(node.root, own), join(root, '4194305-1'), { recursive: true })
    const next = openTestNode(control, { root })
    await until('the rest to be adopted', () => readdirSync(root).length === 1)
    await next.untilSent()
    await until('the intake to be empty', () => control.intake.bytes === 0)
    const stored = control.store.ids()
    expect(new Set(stored).size, 'nothing twice').toBe(stored.length)
    expect(stored.filter((id) => !recorded.has(id))).toEqual([])
    const kept = durability.mode === 'commit' ? [] : [...promised]
    expect(kept.filter((id) => !stored.includes(id))).toEqual([])
    await Promise.all([node.stop(), next.stop(), control.stop()])
  },
)
