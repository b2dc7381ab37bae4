import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { openBackoff } from '../lib/backoff.ts'
import type { Log } from '../lib/log.ts'
import type { FromChild, ToChild } from '../planes/messages.ts'

/** A child process that is restarted when it dies, after a delay that grows while it keeps dying early. */
export type SupervisedProcess = {
  send(message: ToChild): void
  /** Starts a replacement, waits until it is ready, then stops the current one gracefully. */
  replace(): Promise<void>
  /** Stops it gracefully, and kills it after `milliseconds`. */
  stop(milliseconds: number): Promise<void>
}

/** How a process is supervised. */
export type SupervisedProcessOptions = {
  readonly name: string
  /** The module that it runs. */
  readonly module: string
  /** Flags for Node. */
  readonly flags?: readonly string[]
  /** Sends a new process its first messages. */
  readonly introduce: (child: ChildProcess) => void
  readonly onMessage: (message: FromChild, child: ChildProcess) => void
  /** The message that says that it is ready. */
  readonly ready: FromChild['type']
  /** Milliseconds that a replaced process may take to stop. */
  readonly stopTimeout: number
  /** Called when a process has ended that was never ready. */
  readonly onEarlyExit?: (name: string) => void
  readonly log: Log
}

/** A process that lived so many milliseconds is restarted without a growing delay. */
const longLife = 10_000

/** Starts a process and supervises it. */
export function superviseProcess(options: SupervisedProcessOptions): SupervisedProcess {
  const { name, module, flags = [], introduce, onMessage, ready, stopTimeout, log } = options
  const backoff = openBackoff(50, 5_000)
  let isStopping = false
  let current = start()

  function start(): ChildProcess {
    const child = fork(module, { execArgv: [...process.execArgv, ...flags] })
    introduce(child)
    const startedAt = performance.now()
    let wasReady = false
    child.on('message', (message) => {
      wasReady ||= (message as FromChild).type === ready
      onMessage(message as FromChild, child)
    })
    child.on('error', (error) => log.error('supervisor: process error', { process: name, error }))
    child.on('exit', (code, signal) => {
      if (child !== current || isStopping) return
      if (!wasReady) options.onEarlyExit?.(name)
      if (performance.now() - startedAt > longLife) backoff.reset()
      const delay = backoff.next()
      log.warn('supervisor: process exited, restarting it', {
        process: name,
        pid: child.pid,
        code,
        signal,
        delay_ms: Math.round(delay),
      })
      setTimeout(() => {
        if (!isStopping && child === current) current = start()
      }, delay)
    })
    return child
  }

  return {
    send(message) {
      sendTo(current, message)
    },
    async replace() {
      const previous = current
      const next = start()
      current = next
      await new Promise<void>((resolve) => {
        next.on('message', (message) => (message as FromChild).type === ready && resolve())
        next.on('exit', () => resolve())
      })
      await stop(previous, stopTimeout)
    },
    async stop(milliseconds) {
      isStopping = true
      await stop(current, milliseconds)
    },
  }
}

/** Sends a message, and with it a socket; a child that has just ended does not get it. */
export function sendTo(child: ChildProcess, message: ToChild, socket?: object): void {
  if (child.connected) child.send(message, socket as Socket | undefined, () => undefined)
}

async function stop(child: ChildProcess, milliseconds: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  const deadline = setTimeout(() => child.kill('SIGKILL'), milliseconds)
  sendTo(child, { type: 'stop' })
  await exited
  clearTimeout(deadline)
  // Its last messages may arrive after its exit.
  if (child.connected) await once(child, 'disconnect')
}
