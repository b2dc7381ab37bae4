import type { ChildProcess } from 'node:child_process'
import { systemClock } from '../lib/clock.ts'
import type { LogThreshold } from '../lib/log-threshold.ts'
import type { ToChild } from '../planes/messages.ts'
import { sendTo } from './supervised-process.ts'

type LogLevelMessage = Extract<ToChild, { type: 'log-level' }>

/** The log level of all processes of a node. */
export type LogLevels = {
  /** A change, which every worker reports; it is made once. */
  receive(this: void, message: LogLevelMessage): void
  /** Sends a new process the change that holds. */
  introduce(this: void, child: ChildProcess): void
}

/** Changes the threshold of this process, and sends changes to the others. */
export function openLogLevels(
  threshold: LogThreshold,
  send: (message: LogLevelMessage) => void,
): LogLevels {
  const seen = new Set<string>()
  let last: { readonly message: LogLevelMessage; readonly until: number } | undefined
  return {
    receive(message) {
      if (seen.has(message.id)) return
      seen.add(message.id)
      threshold.change(message.level, message.milliseconds)
      last = { message, until: systemClock.now() + message.milliseconds }
      send(message)
    },
    introduce(child) {
      const milliseconds = (last?.until ?? 0) - systemClock.now()
      if (last !== undefined && milliseconds > 0) sendTo(child, { ...last.message, milliseconds })
    },
  }
}
