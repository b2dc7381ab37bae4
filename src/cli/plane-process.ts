import { setFlagsFromString } from 'node:v8'
import { openLog, type Log } from '../lib/log.ts'
import { openLogThreshold, type LogThreshold } from '../lib/log-threshold.ts'
import type { PassedSocket, SupervisorChannel, ToChild } from '../planes/messages.ts'
import { readVariable } from './environment.ts'

// An import of node:http reads every export; these load all of Node's undici, 40 ms and 12 MB, which nothing uses.
const http: Record<string, unknown> = process.getBuiltinModule('node:http')
for (const name of ['WebSocket', 'CloseEvent', 'MessageEvent']) delete http[name]

type Start = Extract<ToChild, { type: 'start' }>

/** Messages that arrive while the modules of the plane are loaded. */
const early: ToChild[] = []
const keepEarly = (message: unknown): void => void early.push(message as ToChild)

const supervisor: SupervisorChannel = {
  send: (message) =>
    void (process.connected && process.send?.(message, undefined, undefined, () => undefined)),
  onMessage(listener) {
    process.off('message', keepEarly)
    process.on('message', (message) => listener(message as ToChild))
    for (const message of early.splice(0)) listener(message)
  },
}

const sockets: PassedSocket[] = []

process.on('message', function begin(message, socket) {
  const first = message as ToChild
  if (first.type === 'socket')
    sockets.push({ duty: first.duty, socket: socket as unknown as object })
  // A stop may arrive first: then the supervisor has closed the sockets that it had not sent yet.
  if (first.type === 'stop') process.exit(0)
  if (first.type !== 'start') return
  process.off('message', begin)
  process.on('message', keepEarly)
  runPlane(first, socket as unknown as object)
})

/** Runs a plane until the supervisor stops it or has ended. The second of such events stops it without waiting. */
function runPlane(start: Start, socket: object): void {
  const name = start.plane === 'control' ? 'control' : `gateway-${start.slot}`
  const threshold = openLogThreshold()
  const log = openLog(name, undefined, threshold)
  process.title = `weir ${name}`
  let isStopping = false
  const stop = (): void => {
    const isImmediate = isStopping
    isStopping = true
    running
      .then(
        (stopPlane) => stopPlane(isImmediate),
        // It never started, which is reported below.
        () => undefined,
      )
      .catch((error: unknown) => log.error('plane: graceful stop failed', { error }))
      .finally(() => process.exit(0))
  }
  const running = startPlane(start, socket, { log, threshold })
  running.catch((error: unknown) => {
    log.error('plane: cannot start', { error })
    supervisor.send({
      type: 'failed',
      message: error instanceof Error ? error.message : String(error),
    })
    setTimeout(() => process.exit(1), 50)
  })
  process.on('message', (received) => {
    const message = received as ToChild
    if (message.type === 'stop') stop()
    if (message.type === 'log-level') threshold.change(message.level, message.milliseconds)
  })
  process.on('disconnect', stop)
}

// A terminal sends Ctrl-C to every process of the group; the supervisor stops its children in order.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)

async function startPlane(
  start: Start,
  socket: object,
  { log, threshold }: { readonly log: Log; readonly threshold: LogThreshold },
): Promise<(isImmediate: boolean) => Promise<void>> {
  const { settings } = start
  if (start.plane === 'control') {
    // V8 then returns the pages that a large change needed at each collection. At the start it would also reduce the nursery to 1 MB, of which every change of one entity needs as much.
    setFlagsFromString('--optimize-for-size')
    const { startControlPlane } = await import('../planes/control-plane.ts')
    return await startControlPlane({ settings, supervisor, log, threshold })
  }
  const { startGatewayWorker } = await import('../planes/gateway-worker.ts')
  return startGatewayWorker({
    settings,
    slot: start.slot,
    control: start.control,
    ticketSecret: start.ticketSecret,
    readVariable,
    socket,
    sockets,
    supervisor,
    log,
  })
}
