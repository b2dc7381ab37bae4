import { openLog, type Log } from '../lib/log.ts'
import { readVariable } from './settings.ts'
import type { LentSocket, SupervisorLine, ToChild } from '../planes/messages.ts'

type Start = Extract<ToChild, { type: 'start' }>

const line: SupervisorLine = {
  send: (message) =>
    void (process.connected && process.send?.(message, undefined, undefined, () => undefined)),
  onMessage: (listener) => void process.on('message', (message) => listener(message as ToChild)),
}

const lent: LentSocket[] = []

/** Takes the sockets that the supervisor lends until it says what to start. */
process.on('message', function begin(message, socket) {
  const first = message as ToChild
  if (first.type === 'lend') lent.push({ duty: first.duty, socket: socket as unknown as object })
  if (first.type !== 'start') return
  process.off('message', begin)
  runPlane(first, socket as unknown as object)
})

/** Runs the plane that the supervisor asks for, until it asks to stop or is gone itself; when both happen, or it asks twice, the plane ends without waiting for anybody. */
function runPlane(start: Start, socket: object): void {
  const name = start.plane === 'control' ? 'control' : `gateway-${start.slot}`
  const log = openLog(name)
  process.title = `weir ${name}`
  let stopping = false
  const stop = (): void => {
    const isHurried = stopping
    stopping = true
    running
      .then(
        (stopPlane) => stopPlane(isHurried),
        () => undefined, // It never started, and has said why.
      )
      .catch((error: unknown) => log.error('could not stop in order', { error }))
      .finally(() => process.exit(0))
  }
  const running = startPlane(start, socket, log)
  running.catch((error: unknown) => {
    log.error('could not start', { error })
    line.send({ type: 'failed', message: error instanceof Error ? error.message : String(error) })
    setTimeout(() => process.exit(1), 50)
  })
  line.onMessage(({ type }) => type === 'stop' && stop())
  process.on('disconnect', stop)
}

// A Ctrl-C in a terminal reaches every process of the group; the supervisor ends its children in order.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)

async function startPlane(
  start: Start,
  socket: object,
  log: Log,
): Promise<(isHurried: boolean) => Promise<void>> {
  const { settings } = start
  if (start.plane === 'control') {
    const { startControlPlane } = await import('../planes/control-plane.ts')
    return await startControlPlane({ settings, line, log })
  }
  const { startGatewayWorker } = await import('../planes/gateway-worker.ts')
  return startGatewayWorker({
    settings,
    slot: start.slot,
    readVariable,
    socket,
    lent,
    line,
    log,
  })
}
