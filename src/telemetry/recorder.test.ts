import { expect, test } from 'vitest'
import { events } from '../../test/harness/spool.ts'
import { openLog, silentLog as quiet } from '../lib/log.ts'
import type { EventRecord } from '../schema/event.ts'
import { openRecorder } from './open-recorder.ts'
import type { Spool } from './open-spool.ts'

const event = (path: string): EventRecord => events(path)[0] as EventRecord

const spoolWith = (append: Spool['append']): Pick<Spool, 'append' | 'sync' | 'isFull'> => ({
  isFull: false,
  append,
  sync: () => Promise.reject(new Error('not asked for')),
})

test('releases answers after their events are written, all of one turn by one write', async () => {
  const written: (readonly string[])[] = []
  const released: number[] = []
  const recorder = openRecorder(
    spoolWith((some) => void written.push(some.map(({ path }) => path))),
    quiet,
  )
  for (const index of [1, 2, 3]) {
    recorder.record(event(String(index)), {
      release: () => released.push(written.length),
      abandon: () => undefined,
    })
  }
  expect([written, released]).toEqual([[], []])
  await new Promise(setImmediate)
  expect(written).toEqual([['1', '2', '3']])
  expect(released).toEqual([1, 1, 1])
  recorder.record(event('4'), {
    release: () => released.push(written.length),
    abandon: () => undefined,
  })
  await new Promise(setImmediate)
  expect(written.slice(1)).toEqual([['4']])
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
    spoolWith(append),
    openLog('test', (line) => ends.push(JSON.parse(line).error.message)),
  )
  recorder.record(event('1'), answer(1))
  await new Promise(setImmediate)
  isFull = false
  recorder.record(event('2'), answer(2))
  await new Promise(setImmediate)
  expect(ends).toEqual(['ENOSPC', 'abandoned 1', 'released 2'])
})

/** A spool whose syncs end when the test says so. */
function openSlowSpool() {
  const syncs: PromiseWithResolvers<void>[] = []
  const appended: string[] = []
  return {
    syncs,
    appended,
    spool: {
      append: (some: readonly EventRecord[]) => void appended.push(...some.map(({ path }) => path)),
      sync() {
        const sync = Promise.withResolvers<void>()
        syncs.push(sync)
        return sync.promise
      },
    },
  }
}

test('strict: an answer waits for a sync that began after its event was written; one sync serves all later ones', async () => {
  const { spool, syncs, appended } = openSlowSpool()
  const ends: string[] = []
  const recorder = openRecorder({ ...spool, isFull: false }, quiet, { mode: 'strict' })
  const record = async (...paths: string[]): Promise<void> => {
    for (const path of paths)
      recorder.record(event(path), {
        release: () => void ends.push(`released ${path}`),
        abandon: () => void ends.push(`abandoned ${path}`),
      })
    await new Promise(setImmediate)
  }
  await record('1', '2')
  await record('3')
  await record('4')
  expect([appended, ends, syncs.length]).toEqual([['1', '2', '3', '4'], [], 1])
  syncs[0]?.resolve()
  await new Promise(setImmediate)
  expect([ends, syncs.length]).toEqual([['released 1', 'released 2'], 2])
  syncs[1]?.reject(new Error('EIO'))
  await new Promise(setImmediate)
  expect(ends.slice(2)).toEqual(['abandoned 3', 'abandoned 4'])
  await record('5')
  syncs[2]?.resolve()
  await new Promise(setImmediate)
  expect(ends.slice(4)).toEqual(['released 5'])
})

test('interval: answers do not wait, and written events are synced once per interval', async () => {
  const { spool, syncs } = openSlowSpool()
  let released = 0
  const recorder = openRecorder({ ...spool, isFull: false }, quiet, {
    mode: 'interval',
    milliseconds: 5,
  })
  for (let turn = 1; turn <= 3; turn += 1) {
    recorder.record(event('x'), { release: () => void released++, abandon: () => undefined })
    await new Promise(setImmediate)
    expect(released).toBe(turn)
  }
  await expect.poll(() => syncs.length).toBeGreaterThan(0)
  expect(syncs.length).toBeLessThanOrEqual(3)
})
