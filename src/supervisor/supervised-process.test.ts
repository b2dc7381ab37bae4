import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { until } from '../../test/harness/until.ts'
import { silentLog } from '../lib/log.ts'
import { superviseProcess, type SupervisedProcess } from './supervised-process.ts'

const harness = join(import.meta.dirname, '../../test/harness')
const module = join(harness, 'exit-at-message-child.ts')

function supervise(introduce: Parameters<typeof superviseProcess>[0]['introduce']) {
  const exits: string[] = []
  const supervised: SupervisedProcess = superviseProcess({
    name: 'child',
    module,
    introduce,
    onMessage: () => undefined,
    ready: 'gateway-ready',
    stopTimeout: 60_000,
    onEarlyExit: (name) => void exits.push(name),
    log: silentLog,
  })
  onTestFinished(() => supervised.stop(0))
  return { supervised, exits }
}

test('stops a process that exits between two sockets that are sent to it', async () => {
  // In a process of its own, because the order of events differs in a worker thread.
  const driver = spawn(process.execPath, [join(harness, 'stop-unread-child.ts')])
  onTestFinished(() => void driver.kill('SIGKILL'))
  let output = ''
  for (const stream of [driver.stdout, driver.stderr])
    stream.on('data', (text) => (output += String(text)))
  await until('the stop ends', () => output !== '', 60_000)
  expect(output).toBe('stopped\n')
})

test('starts no process after a stop, and every stop waits for the same end', async () => {
  let started = 0
  const { supervised, exits } = supervise(() => void (started += 1))
  const first = supervised.stop(60_000)
  await Promise.all([supervised.replace(), supervised.stop(60_000), first])
  await supervised.replace()
  expect([started, exits]).toEqual([1, []])
})

test('a stop includes a process that is being replaced', async () => {
  const pids: number[] = []
  const { supervised } = supervise((child) => void pids.push(child.pid ?? 0))
  const replacing = supervised.replace()
  await supervised.stop(60_000)
  await replacing
  expect(pids).toHaveLength(2)
  expect(pids.filter((pid) => isRunning(pid))).toEqual([])
})

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
