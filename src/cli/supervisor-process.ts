import type { SendHandle } from 'node:child_process'
import { join } from 'node:path'
import { openLog } from '../lib/log.ts'
import { openLogThreshold } from '../lib/log-threshold.ts'
import type { LauncherChannel, ToSupervisor } from '../supervisor/messages.ts'
import { returnLargeAllocations } from './environment.ts'
import { readSettingsApart } from './read-settings-apart.ts'

type Listener = Parameters<LauncherChannel['onMessage']>[0]

const threshold = openLogThreshold()
const log = openLog('supervisor', undefined, threshold)
const early: Parameters<Listener>[] = []
let listen: Listener = (...message) => void early.push(message)

const launcher: LauncherChannel = {
  send: (message, handle) =>
    new Promise((resolve) => {
      if (process.send === undefined || !process.connected) return resolve()
      process.send(message, handle as SendHandle | undefined, undefined, () => resolve())
    }),
  onMessage(listener) {
    listen = listener
    for (const message of early.splice(0)) listener(...message)
  },
}

process.title = 'weir supervisor'
let isStarted = false
process.on('message', (received, handle) => {
  const message = received as ToSupervisor
  if (!isStarted && message.type !== 'start')
    // A launcher of another version may use another protocol; continuing could start a second node.
    void fail('This version cannot be started by the running one; restart Weir')
  else if (message.type === 'start') {
    isStarted = true
    void run(message)
  } else listen(message, handle as unknown as object | undefined)
})
// Children stop by themselves when this process has ended.
process.on('disconnect', () => process.exit(1))
// Node emits no `disconnect` when the launcher has ended without reading a socket that was sent to it.
setInterval(() => process.connected || process.exit(1), 1_000).unref()
// A terminal sends Ctrl-C to every process of the group; the launcher stops the others in order.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'] as const)
  process.on(signal, () => undefined)

/** Runs the supervisor. Imports it dynamically, so that import errors are reported too. */
async function run({
  overrides,
  settings,
  role,
}: Extract<ToSupervisor, { type: 'start' }>): Promise<void> {
  try {
    returnLargeAllocations()
    const { runSupervisor } = await import('../supervisor/run-supervisor.ts')
    const childModule = join(import.meta.dirname, 'plane-process.ts')
    await runSupervisor({
      settings: settings ?? (await readSettingsApart(overrides)),
      childModule,
      role,
      launcher,
      log,
      threshold,
    })
    process.exit(0)
  } catch (error) {
    await fail(error instanceof Error ? error.message : String(error))
  }
}

async function fail(message: string): Promise<void> {
  await launcher.send({ type: 'failed', message })
  process.exit(1)
}
