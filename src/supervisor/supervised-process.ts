import { fork, type ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import { openBackoff } from '../lib/backoff.ts'
import type { Log } from '../lib/log.ts'
import type { FromChild, ToChild } from '../planes/messages.ts'

/** A child process that is restarted when it dies, after a delay that grows while it exits early. */
export type SupervisedProcess = {
  send(message: ToChild): void
  /** Starts a replacement, waits until it is ready, then stops the current one gracefully. Does nothing after `stop`. */
  replace(): Promise<void>
  /** Stops it and those that it replaces gracefully, and kills them after `milliseconds`; none is started any more. Every call waits for the same end. */
  stop(milliseconds: number): Promise<void>
  /** Shortens the waits of a `stop` that is under way. */
  hurry(): void
}

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

type Living = { readonly ended: Promise<void>; stopping?: Promise<void> }

/** A process that ran for this many milliseconds is restarted without a growing delay. */
const longLife = 10_000

/** Starts a process and supervises it. */
export function superviseProcess(options: SupervisedProcessOptions): SupervisedProcess {
  const { name, module, flags = [], introduce, onMessage, ready, stopTimeout, log } = options
  const backoff = openBackoff(50, 5_000)
  const living = new Map<ChildProcess, Living>()
  let stopping: Promise<unknown> | undefined
  let current = start()

  function start(): ChildProcess {
    const child = fork(module, { execArgv: [...process.execArgv, ...flags] })
    const startedAt = performance.now()
    let wasReady = false
    child.on('message', (message) => {
      wasReady ||= (message as FromChild).type === ready
      onMessage(message as FromChild, child)
    })
    child.on('error', (error) => log.error('supervisor: process error', { process: name, error }))
    const ended = waitForEnd(child).then(() => {
      living.delete(child)
      if (child !== current || stopping !== undefined) return
      if (!wasReady) options.onEarlyExit?.(name)
      if (performance.now() - startedAt > longLife) backoff.reset()
      const delay = backoff.next()
      log.warn('supervisor: process exited, restarting it', {
        process: name,
        pid: child.pid,
        code: child.exitCode,
        signal: child.signalCode,
        delay_ms: Math.round(delay),
      })
      setTimeout(() => {
        if (stopping === undefined && child === current) current = start()
      }, delay)
    })
    living.set(child, { ended })
    introduce(child)
    return child
  }

  /** Sends `stop` once: to a child, a second one means to stop without waiting. */
  const end = (child: ChildProcess, milliseconds: number): Promise<void> => {
    const one = living.get(child)
    if (one === undefined) return Promise.resolve()
    if (one.stopping !== undefined) return one.stopping
    const deadline = setTimeout(() => child.kill('SIGKILL'), milliseconds)
    one.stopping = one.ended.finally(() => clearTimeout(deadline))
    sendTo(child, { type: 'stop' })
    return one.stopping
  }

  return {
    send(message) {
      sendTo(current, message)
    },
    async replace() {
      if (stopping !== undefined) return
      const previous = current
      const next = start()
      current = next
      await new Promise<void>((resolve) => {
        next.on('message', (message) => (message as FromChild).type === ready && resolve())
        void living.get(next)?.ended.then(resolve)
      })
      await end(previous, stopTimeout)
    },
    async stop(milliseconds) {
      stopping ??= Promise.all([...living.keys()].map((child) => end(child, milliseconds)))
      await stopping
    },
    hurry() {
      for (const child of living.keys()) sendTo(child, { type: 'stop' })
    },
  }
}

/** Sends a message, and with it a socket. A child that has just ended does not get it; its end is logged and waited for elsewhere. */
export function sendTo(child: ChildProcess, message: ToChild, socket?: object): void {
  if (child.connected) child.send(message, socket as Socket | undefined, () => undefined)
}

/** Milliseconds in which the last messages of a child that has exited are read. */
const lastMessages = 5_000

/**
 * Resolves when a child has ended and its last message was received, or when it could not be started.
 * The event is `close`: `exit` may come before the last message, and `disconnect` never comes when a socket was sent to
 * the child that it did not read (Node waits for an acknowledgement before it emits that event).
 */
export function waitForEnd(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    child.once('close', () => resolve())
    // A process that inherited the child's end of the channel would keep it open.
    child.once('exit', () => setTimeout(resolve, lastMessages).unref())
    // After a failed spawn (EAGAIN, ENOMEM) there is neither `exit` nor `close`.
    child.on('error', () => {
      if (child.pid === undefined) resolve()
    })
  })
}
