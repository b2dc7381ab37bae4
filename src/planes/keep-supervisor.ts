import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import type { Log } from '../lib/log.ts'
import { Problem } from '../lib/problem.ts'
import type { FromSupervisor, ToSupervisor } from './handover.ts'
import type { NodeAddresses } from './node-addresses.ts'

/** The supervisor of a node, whichever program it runs. */
export type KeptSupervisor = {
  /** Resolves when everything listens; rejects when the node cannot start. */
  readonly ready: Promise<NodeAddresses>
  /** Resolves with the reason when the supervisor ended although nobody asked it to. */
  readonly lost: Promise<string>
  reload(): void
  /** Starts a supervisor from the files that are on disk now, and lets the present one hand its node over. When it does not come up, the present one goes on. While one is under way, another follows it. */
  upgrade(): void
  /** Ends the node in order; asked twice, at once. */
  stop(): Promise<void>
}

/** What a supervisor is kept with. */
export type KeepingOptions = {
  /** Module that a supervisor runs. */
  readonly module: string
  /** Settings to put before those of the environment. */
  readonly overrides: Readonly<Record<string, string | undefined>>
  readonly log: Log
}

type Handle = { close(): void }
type Receive = (child: ChildProcess, message: FromSupervisor, handle: Handle | undefined) => void
type Told = Extract<FromSupervisor, { type: 'tell' }>['message']

/** How long a dismissed heir may take to end. */
const patience = 20_000

/** Starts a supervisor and stays what a service manager knows: this process holds nothing of the node and knows of no plane, so that it never has to change. Between two supervisors it only passes on what they tell each other. */
export function keepSupervisor({ module, overrides, log }: KeepingOptions): KeptSupervisor {
  const { promise: ready, resolve, reject } = Promise.withResolvers<NodeAddresses>()
  const lost = Promise.withResolvers<string>()
  let heir: ChildProcess | undefined
  let isStopping = false
  let wantsAnother = false

  const start = (isHeir: boolean): ChildProcess =>
    startSupervisor({ module, log, receive, ended }, { type: 'supervise', overrides, isHeir })
  const receive: Receive = (child, message, handle) => {
    if (message.type === 'tell') {
      passOn(child === heir ? current : heir, message.message, handle)
    } else if (message.type === 'serving') {
      resolve(message.addresses)
      log.info('the node serves', { version: message.version, supervisor: child.pid })
    } else if (message.type === 'dismiss' && heir !== undefined) {
      log.error('the new supervisor is dismissed', { why: message.why })
      void end(heir)
    }
  }
  const ended = (child: ChildProcess, why: string): void => {
    const other = child === current ? heir : current
    if (other === undefined) {
      reject(new Problem('start.ended', 500, why))
      return lost.resolve(why)
    }
    if (other === current && !isStopping) log.error('the upgrade failed', { why })
    current = other
    heir = undefined
    send(current, { type: 'alone', why })
    if (wantsAnother) upgrade()
  }
  const upgrade = (): void => {
    if (isStopping) return
    wantsAnother = heir !== undefined
    heir ??= start(true)
  }
  let current = start(false)

  return {
    ready,
    lost: lost.promise,
    reload: () => send(current, { type: 'reload' }),
    upgrade,
    async stop() {
      isStopping = true
      await Promise.all([ask(current), ...(heir === undefined ? [] : [ask(heir)])])
    },
  }
}

type SupervisorTools = Pick<KeepingOptions, 'module' | 'log'> & {
  readonly receive: Receive
  /** Hears that it is gone, and why as far as it could say. */
  readonly ended: (child: ChildProcess, why: string) => void
}

function startSupervisor(
  { module, log, receive, ended }: SupervisorTools,
  order: ToSupervisor,
): ChildProcess {
  const child = fork(module)
  let failure: string | undefined
  child.on('message', (message, handle) => {
    const told = message as unknown as FromSupervisor
    if (told.type === 'failed') failure ??= told.message
    else receive(child, told, handle as Handle | undefined)
  })
  child.on('error', (error) => log.error('a supervisor could not be reached', { error }))
  child.on('exit', (code, signal) =>
    ended(child, failure ?? `the supervisor ended (${signal ?? code})`),
  )
  send(child, order)
  return child
}

/** Gives a message, and with it a socket, to the other supervisor; nothing of it stays here. */
function passOn(other: ChildProcess | undefined, message: Told, handle: Handle | undefined): void {
  const close = (): void => handle?.close()
  if (other === undefined) close()
  else send(other, { type: 'told', message }, handle, close)
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

/** Asks a supervisor to end, and waits until it did. */
async function ask(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  send(child, { type: 'stop' })
  await gone
}

async function end(child: ChildProcess): Promise<void> {
  const deadline = setTimeout(() => child.kill('SIGKILL'), patience)
  await ask(child)
  clearTimeout(deadline)
}
