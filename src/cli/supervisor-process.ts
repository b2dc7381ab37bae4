import type { SendHandle } from 'node:child_process'
import { join } from 'node:path'
import { openLog } from '../lib/log.ts'
import type { LauncherLine, ToSupervisor } from '../planes/handover.ts'
import { readSettings } from './settings.ts'

type Listener = Parameters<LauncherLine['onMessage']>[0]

const log = openLog('supervisor')
const early: Parameters<Listener>[] = []
let hear: Listener = (...message) => void early.push(message)

const line: LauncherLine = {
  send: (message, handle) =>
    new Promise((resolve) => {
      if (process.send === undefined || !process.connected) return resolve()
      process.send(message, handle as SendHandle | undefined, undefined, () => resolve())
    }),
  onMessage(listener) {
    hear = listener
    for (const message of early.splice(0)) listener(...message)
  },
}

process.title = 'weir supervisor'
process.on('message', (message, handle) => {
  const told = message as ToSupervisor
  if (told.type === 'supervise') void run(told)
  else hear(told, handle as unknown as object | undefined)
})
// Children end by themselves when this process is gone.
process.on('disconnect', () => process.exit(1))
// A Ctrl-C in a terminal reaches every process of the group; the one that was started ends the others in order.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'] as const)
  process.on(signal, () => undefined)

/** Runs the supervisor; a program that cannot even be loaded says so too. */
async function run({
  overrides,
  isHeir,
}: Extract<ToSupervisor, { type: 'supervise' }>): Promise<void> {
  try {
    const { runSupervisor } = await import('../planes/run-supervisor.ts')
    const childModule = join(import.meta.dirname, 'plane-process.ts')
    await runSupervisor({ settings: readSettings(overrides), childModule, isHeir, line, log })
    process.exit(0)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    await line.send({ type: 'failed', message })
    process.exit(1)
  }
}
