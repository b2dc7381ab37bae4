import { openSuccessorCounters, type SuccessorCounters } from '../cluster/counter-upgrade.ts'
import { openValueTable } from '../cluster/value-table.ts'
import { systemClock } from '../lib/clock.ts'
import { Problem } from '../lib/problem.ts'
import { adoptListeningSocket, type ListeningSocket } from './listening-socket.ts'
import { upgradeProtocol, type LauncherChannel, type ToSuccessor } from './messages.ts'
import type { InheritedState } from './node-processes.ts'

/** The successor's side of an upgrade. */
export type SuccessorUpgrade = {
  /** Handles a message of the predecessor, with its socket if any. */
  receive(message: ToSuccessor, handle: object | undefined): void
  /** The predecessor has ended: state that it did not send is lost. */
  close(): void
  readonly state: Promise<InheritedState>
  /** Resolves when the control plane of the predecessor has stopped. */
  readonly controlStopped: Promise<void>
}

/** Takes over the state of a predecessor step by step. */
export function inheritState(launcher: LauncherChannel, version: string): SuccessorUpgrade {
  const sockets = new Map<string, ListeningSocket>()
  const state = Promise.withResolvers<InheritedState>()
  const control = Promise.withResolvers<void>()
  const values = openValueTable(systemClock)
  let counters: SuccessorCounters | undefined
  const forward: Parameters<typeof openSuccessorCounters>[1] = (request) =>
    void launcher.send({ type: 'relay', message: { type: 'counter-request', request } })
  void launcher.send({
    type: 'relay',
    message: { type: 'successor', protocol: upgradeProtocol, version },
  })
  // It may be awaited only after it was rejected.
  state.promise.catch(() => undefined)
  return {
    state: state.promise,
    controlStopped: control.promise,
    receive(message, handle) {
      switch (message.type) {
        case 'socket':
          if (handle !== undefined)
            sockets.set(message.key, adoptListeningSocket(handle, message.port))
          break
        case 'state':
          state.resolve({
            sockets,
            addresses: message.addresses,
            openCounters: (options) => (counters = openSuccessorCounters(options, forward)),
            values,
          })
          break
        case 'control-stopped':
          control.resolve()
          break
        case 'counter-message':
          counters?.deliver(message.worker, message.message, message.handled)
          break
        case 'counters':
          counters?.takeOver(message.rows, message.handled)
          values.adopt(message.values ?? [])
      }
    },
    close() {
      state.reject(
        new Problem('upgrade.alone', 500, 'The running program exited before the upgrade'),
      )
      counters?.takeOver([], 0)
      control.resolve()
    },
  }
}
