import { inheritCounters, type InheritedBank } from '../cluster/inherit-counters.ts'
import { Problem } from '../lib/problem.ts'
import { handoverForm, type LauncherLine, type ToHeir } from './handover.ts'
import { adoptListeningSocket, type ListeningSocket } from './listening-socket.ts'
import type { Estate } from './supervise-node.ts'

/** What an heir hears of the supervisor before it. */
export type Inheritance = {
  /** Takes a message, and with it a socket. */
  receive(message: ToHeir, handle: object | undefined): void
  /** The other is gone: what it did not hand over is lost. */
  close(): void
  readonly estate: Promise<Estate>
  /** Resolves when the other's control plane has ended. */
  readonly controlIsFree: Promise<void>
}

/** Takes a node over piece by piece. */
export function inheritNode(line: LauncherLine, version: string): Inheritance {
  const sockets = new Map<string, ListeningSocket>()
  const estate = Promise.withResolvers<Estate>()
  const control = Promise.withResolvers<void>()
  let bank: InheritedBank | undefined
  const ask: Parameters<typeof inheritCounters>[1] = (errand) =>
    void line.send({ type: 'tell', message: { type: 'errand', errand } })
  void line.send({ type: 'tell', message: { type: 'heir', form: handoverForm, version } })
  estate.promise.catch(() => undefined)
  return {
    estate: estate.promise,
    controlIsFree: control.promise,
    receive(message, handle) {
      switch (message.type) {
        case 'socket':
          if (handle !== undefined)
            sockets.set(message.key, adoptListeningSocket(handle, message.port))
          break
        case 'estate':
          estate.resolve({
            sockets,
            addresses: message.addresses,
            openBank: (options) => (bank = inheritCounters(options, ask)),
          })
          break
        case 'control-is-free':
          control.resolve()
          break
        case 'told':
          bank?.told(message.worker, message.message, message.done)
          break
        case 'ledger':
          bank?.inherit(message.known, message.done)
      }
    },
    close() {
      estate.reject(new Problem('upgrade.alone', 500, 'there is nobody to take the node over from'))
      bank?.inherit([], 0)
      control.resolve()
    },
  }
}
