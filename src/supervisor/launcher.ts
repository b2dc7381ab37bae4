import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { Log } from '../lib/log.ts'
import { Problem } from '../lib/problem.ts'
import type { FromSupervisor, PlaneAddresses, ToSupervisor } from './messages.ts'

/** A running node, whichever version of the program its supervisor runs. */
export type LaunchedNode = {
  /** Resolves when all planes are ready; rejects when the node cannot start. */
  readonly ready: Promise<PlaneAddresses>
  /** Resolves with the reason when the supervisor has ended unexpectedly. */
  readonly lost: Promise<string>
  /** Replaces the gateway workers one after the other. */
  reload(): void
  /** Starts a supervisor from the program that is on disk now, which takes over the node. When that fails, the current one goes on. During an upgrade another one is queued. */
  upgrade(): void
  /** Stops the node gracefully; the second call, at once. */
  stop(): Promise<void>
}

/** What a node is launched with. */
export type LaunchOptions = {
  /** The module that supervisors run. */
  readonly module: string
  /** Settings that override those of the environment. */
  readonly overrides: Readonly<Record<string, string | undefined>>
  readonly log: Log
}

type Handle = { close(): void }
type Receive = (child: ChildProcess, message: FromSupervisor, handle: Handle | undefined) => void
type Relayed = Extract<FromSupervisor, { type: 'relay' }>['message']

/** Milliseconds that a dismissed successor may take to stop. */
const stopTimeout = 20_000

/** Starts a supervisor. The launcher stays the process that a service manager knows, over all upgrades: it holds no state of the node and knows no plane, so that it need not change itself. It relays the messages between two supervisors without reading them. */
export function launchNode({ module, overrides, log }: LaunchOptions): LaunchedNode {
  const { promise: ready, resolve, reject } = Promise.withResolvers<PlaneAddresses>()
  const lost = Promise.withResolvers<string>()
  let successor: ChildProcess | undefined
  let isStopping = false
  let wantsAnother = false

  const start = (role: 'first' | 'successor'): ChildProcess =>
    startSupervisor({ module, log, receive, ended }, { type: 'start', overrides, role })
  const receive: Receive = (child, message, handle) => {
    if (message.type === 'relay') {
      relay(child === successor ? current : successor, message.message, handle)
    } else if (message.type === 'serving') {
      resolve(message.addresses)
      log.info('launcher: node ready', { version: message.version, supervisor: child.pid })
    } else if (message.type === 'dismiss' && successor !== undefined) {
      log.error('upgrade: new supervisor dismissed', { reason: message.reason })
      void dismiss(successor)
    }
  }
  const ended = (child: ChildProcess, reason: string): void => {
    const other = child === current ? successor : current
    if (other === undefined) {
      reject(new Problem('start.ended', 500, reason))
      return lost.resolve(reason)
    }
    if (other === current && !isStopping) log.error('upgrade: failed', { reason })
    current = other
    successor = undefined
    send(current, { type: 'alone', reason })
    if (wantsAnother) upgrade()
  }
  const upgrade = (): void => {
    if (isStopping) return
    wantsAnother = successor !== undefined
    successor ??= start('successor')
  }
  let current = start('first')

  return {
    ready,
    lost: lost.promise,
    reload: () => send(current, { type: 'reload' }),
    upgrade,
    async stop() {
      isStopping = true
      await Promise.all([stop(current), ...(successor === undefined ? [] : [stop(successor)])])
    },
  }
}

type SupervisorTools = Pick<LaunchOptions, 'module' | 'log'> & {
  readonly receive: Receive
  /** Called when it has ended, with the reason that it gave, if any. */
  readonly ended: (child: ChildProcess, reason: string) => void
}

function startSupervisor(
  { module, log, receive, ended }: SupervisorTools,
  first: ToSupervisor,
): ChildProcess {
  const child = fork(module)
  let failure: string | undefined
  child.on('message', (message, handle) => {
    const received = message as unknown as FromSupervisor
    if (received.type === 'failed') failure ??= received.message
    else receive(child, received, handle as Handle | undefined)
  })
  child.on('error', (error) => log.error('launcher: supervisor process error', { error }))
  child.on('exit', (code, signal) =>
    ended(child, failure ?? `The supervisor exited (${signal ?? code})`),
  )
  send(child, first)
  return child
}

/** Sends a message, and with it a socket, to the other supervisor, and closes the socket here. */
function relay(
  other: ChildProcess | undefined,
  message: Relayed,
  handle: Handle | undefined,
): void {
  const close = (): void => handle?.close()
  if (other === undefined) close()
  else send(other, { type: 'relayed', message }, handle, close)
}

function send(
  child: ChildProcess,
  message: ToSupervisor,
  handle?: object,
  sent: () => void = () => undefined,
): void {
  if (child.connected) child.send(message, handle as Socket | undefined, sent)
  else sent()
}

/** Stops a supervisor gracefully. */
async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  send(child, { type: 'stop' })
  await exited
}

async function dismiss(child: ChildProcess): Promise<void> {
  const deadline = setTimeout(() => child.kill('SIGKILL'), stopTimeout)
  await stop(child)
  clearTimeout(deadline)
}
