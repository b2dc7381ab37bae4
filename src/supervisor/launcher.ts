import { fork, type ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import type { Log } from '../lib/log.ts'
import { Problem } from '../lib/problem.ts'
import type { PlaneSettings } from '../planes/plane-settings.ts'
import type { FromSupervisor, PlaneAddresses, ToSupervisor } from './messages.ts'
import { waitForEnd } from './supervised-process.ts'

/** A running node, whichever version of the program its supervisor runs. */
export type LaunchedNode = {
  /** Resolves when all planes are ready; rejects when the node cannot start. */
  readonly ready: Promise<PlaneAddresses>
  /** Resolves with the reason when the supervisor has ended unexpectedly. */
  readonly lost: Promise<string>
  /** Replaces the gateway workers one after the other. */
  reload(): void
  /** Starts a supervisor from the program that is on disk now, which takes over the node. When that fails, the current one continues. During an upgrade another one is queued. */
  upgrade(): void
  /** Stops the node gracefully; the second call, at once. */
  stop(): Promise<void>
}

export type LaunchOptions = {
  /** The module that supervisors run. */
  readonly module: string
  /** Settings that override those of the environment. */
  readonly overrides: Readonly<Record<string, string | undefined>>
  /** For the first supervisor. */
  readonly settings: PlaneSettings
  readonly log: Log
}

type Handle = { close(): void }
type Receive = (from: Supervisor, message: FromSupervisor, handle: Handle | undefined) => void
type Supervisor = {
  readonly process: ChildProcess
  /** Resolves when the process has exited and its last message was received. */
  readonly ending: Promise<void>
  /** Sockets for it that are not sent yet. */
  readonly unsent: Set<Handle>
  isStopping: boolean
}
type StartMessage = Extract<ToSupervisor, { type: 'start' }>
type Relayed = Extract<FromSupervisor, { type: 'relay' }>['message']

/** Milliseconds that a dismissed successor may take to stop. */
const stopTimeout = 20_000

/** Starts a supervisor. The launcher keeps the process id that a service manager tracks, over all upgrades: it holds no state of the node and is independent of the planes, so that it never needs an upgrade itself. It relays the messages between two supervisors without reading them. */
export function launchNode({ module, overrides, settings, log }: LaunchOptions): LaunchedNode {
  const { promise: ready, resolve, reject } = Promise.withResolvers<PlaneAddresses>()
  const lost = Promise.withResolvers<string>()
  let successor: Supervisor | undefined
  let isStopping = false
  let wantsAnother = false

  const start = (first: StartMessage): Supervisor =>
    startSupervisor({ module, log, receive, ended }, first)
  const receive: Receive = (from, message, handle) => {
    if (message.type === 'relay') {
      relay(from === successor ? current : successor, message.message, handle)
    } else if (message.type === 'serving') {
      resolve(message.addresses)
      log.info('launcher: node ready', { version: message.version, supervisor: from.process.pid })
    } else if (message.type === 'dismiss' && successor !== undefined && !isStopping) {
      log.error('upgrade: new supervisor dismissed', { reason: message.reason })
      void dismiss(successor)
    }
  }
  const ended = (gone: Supervisor, reason: string): void => {
    const other = gone === current ? successor : current
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
    successor ??= start({ type: 'start', overrides, role: 'successor' })
  }
  let current = start({ type: 'start', overrides, settings, role: 'first' })

  return {
    ready,
    lost: lost.promise,
    reload: () => isStopping || send(current, { type: 'reload' }),
    upgrade,
    async stop() {
      const isRepeated = isStopping
      // From here on no supervisor is started, so that these are all.
      isStopping = true
      const all = successor === undefined ? [current] : [current, successor]
      await Promise.all(all.map((supervisor) => stop(supervisor, isRepeated)))
    },
  }
}

type SupervisorTools = Pick<LaunchOptions, 'module' | 'log'> & {
  readonly receive: Receive
  /** Called when it has ended, with the reason that it gave, if any. */
  readonly ended: (gone: Supervisor, reason: string) => void
}

function startSupervisor(
  { module, log, receive, ended }: SupervisorTools,
  first: ToSupervisor,
): Supervisor {
  const child = fork(module)
  const supervisor: Supervisor = {
    process: child,
    ending: waitForEnd(child),
    unsent: new Set(),
    isStopping: false,
  }
  let failure: string | undefined
  child.on('message', (message, handle) => {
    const received = message as unknown as FromSupervisor
    if (received.type === 'failed') failure ??= received.message
    else receive(supervisor, received, handle as Handle | undefined)
  })
  child.on('error', (error) => log.error('launcher: supervisor process error', { error }))
  void supervisor.ending.then(() => {
    // Node drops messages that waited for an acknowledgement, without calling back.
    for (const handle of supervisor.unsent) handle.close()
    ended(supervisor, failure ?? `The supervisor exited (${child.signalCode ?? child.exitCode})`)
  })
  send(supervisor, first)
  return supervisor
}

/** Sends a message, and with it a socket, to the other supervisor, and closes the socket here: connections would wait in it without being accepted. */
function relay(other: Supervisor | undefined, message: Relayed, handle: Handle | undefined): void {
  const close = (): void => {
    if (handle === undefined || other?.unsent.delete(handle) === false) return
    handle.close()
  }
  if (other === undefined) return close()
  if (handle !== undefined) other.unsent.add(handle)
  send(other, { type: 'relayed', message }, handle, close)
}

function send(
  { process: child }: Supervisor,
  message: ToSupervisor,
  handle?: object,
  sent: () => void = () => undefined,
): void {
  if (child.connected) child.send(message, handle as Socket | undefined, sent)
  else sent()
}

/** Stops a supervisor gracefully. Only a repeated request stops it at once, which is the meaning of a second message. */
async function stop(supervisor: Supervisor, isRepeated = false): Promise<void> {
  if (isRepeated || !supervisor.isStopping) send(supervisor, { type: 'stop' })
  supervisor.isStopping = true
  await supervisor.ending
}

async function dismiss(supervisor: Supervisor): Promise<void> {
  const deadline = setTimeout(() => supervisor.process.kill('SIGKILL'), stopTimeout)
  await stop(supervisor)
  clearTimeout(deadline)
}
