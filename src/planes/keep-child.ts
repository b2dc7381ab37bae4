import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { openBackoff } from '../lib/backoff.ts'
import type { Log } from '../lib/log.ts'
import type { FromChild, ToChild } from './messages.ts'

/** A child process that is started again whenever it dies, sooner after a long life than after a short one. */
export type KeptChild = {
  send(message: ToChild): void
  /** Starts a successor, waits until it is ready, then lets the present one finish its work. */
  replace(): Promise<void>
  /** Asks it to end, and ends it after `milliseconds`. */
  stop(milliseconds: number): Promise<void>
}

/** What a kept child is made of. */
export type ChildOptions = {
  readonly name: string
  /** What it runs. */
  readonly module: string
  /** Flags of its engine. */
  readonly flags?: readonly string[]
  /** Gives a fresh one its first messages. */
  readonly introduce: (child: ChildProcess) => void
  readonly onMessage: (message: FromChild, child: ChildProcess) => void
  /** The message by which it says that it serves. */
  readonly ready: FromChild['type']
  /** Milliseconds that a replaced child may take to finish. */
  readonly patience: number
  /** Hears when one ended that never served. */
  readonly onEarlyEnd?: (name: string) => void
  readonly log: Log
}

const longLife = 10_000

/** Starts a child and keeps it. */
export function keepChild(options: ChildOptions): KeptChild {
  const { name, module, flags = [], introduce, onMessage, ready, patience, log } = options
  const backoff = openBackoff(50, 5_000)
  let stopping = false
  let current = start()

  function start(): ChildProcess {
    const child = fork(module, { execArgv: [...process.execArgv, ...flags] })
    introduce(child)
    const startedAt = performance.now()
    let hasServed = false
    child.on('message', (message) => {
      hasServed ||= (message as FromChild).type === ready
      onMessage(message as FromChild, child)
    })
    child.on('error', (error) => log.error(`${name} could not be reached`, { error }))
    child.on('exit', (code, signal) => {
      if (child !== current || stopping) return
      if (!hasServed) options.onEarlyEnd?.(name)
      if (performance.now() - startedAt > longLife) backoff.reset()
      const delay = backoff.next()
      log.warn(`${name} ended and is started again`, {
        pid: child.pid,
        code,
        signal,
        delay: Math.round(delay),
      })
      setTimeout(() => {
        if (!stopping && child === current) current = start()
      }, delay)
    })
    return child
  }

  return {
    send(message) {
      tell(current, message)
    },
    async replace() {
      const previous = current
      const next = start()
      current = next
      await new Promise<void>((resolve) => {
        next.on('message', (message) => (message as FromChild).type === ready && resolve())
        next.on('exit', () => resolve())
      })
      await end(previous, patience)
    },
    async stop(milliseconds) {
      stopping = true
      await end(current, milliseconds)
    },
  }
}

/** Sends a message, and with it a socket, to a child that may just be gone. */
export function tell(child: ChildProcess, message: ToChild, socket?: object): void {
  if (child.connected) child.send(message, socket as Socket | undefined, () => undefined)
}

async function end(child: ChildProcess, milliseconds: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  const deadline = setTimeout(() => child.kill('SIGKILL'), milliseconds)
  tell(child, { type: 'stop' })
  await gone
  clearTimeout(deadline)
  // What it said last may come after its exit.
  if (child.connected) await once(child, 'disconnect')
}
