import type { CountAnswer, Recall } from '../cluster/counter-client.ts'
import type { CounterRow } from '../cluster/counter-table.ts'
import type { ForwardedRequest } from '../cluster/counter-upgrade.ts'
import type { ValueRow } from '../cluster/value-table.ts'
import type { ControlAddresses } from '../planes/messages.ts'
import type { PlaneSettings } from '../planes/plane-settings.ts'

// The messages of an upgrade travel between two versions of the program, and the launcher between them stays the older
// one (docs/decisions/0011). Change their form only together with this number: a predecessor dismisses a successor of another.
export const upgradeProtocol = 2

/** Listening addresses of a node, by plane. */
export type PlaneAddresses = {
  readonly control: Omit<ControlAddresses, 'joinSecret'> | undefined
  readonly gateway: { readonly proxy: string; readonly proxySsl: string | undefined } | undefined
}

/** From the successor: its presence, its progress, and the counter requests of its workers. */
export type ToPredecessor =
  | { readonly type: 'successor'; readonly protocol: number; readonly version: string }
  | { readonly type: 'workers-ready' }
  | { readonly type: 'control-ready' }
  | { readonly type: 'counter-request'; readonly request: ForwardedRequest }

/** From the predecessor, in this order: each `socket` with its handle, the rest of its state, `control-stopped`, the counters and shared values. */
export type ToSuccessor =
  | { readonly type: 'socket'; readonly key: string; readonly port: number }
  | { readonly type: 'state'; readonly addresses: ControlAddresses | undefined }
  | { readonly type: 'control-stopped' }
  | {
      readonly type: 'counter-message'
      readonly worker: number
      readonly message: CountAnswer | Recall
      readonly handled: number
    }
  | {
      readonly type: 'counters'
      readonly rows: readonly CounterRow[]
      readonly handled: number
      /** Absent from a predecessor of a version without them. */
      readonly values?: readonly ValueRow[]
    }

/** From the launcher. `relayed` comes from the other supervisor; `alone` means that the other one has exited. */
export type ToSupervisor =
  | {
      readonly type: 'start'
      readonly overrides: Readonly<Record<string, string | undefined>>
      /** Absent for a successor, whose version of the program reads them itself. */
      readonly settings?: PlaneSettings
      readonly role: 'first' | 'successor'
    }
  | { readonly type: 'reload' }
  | { readonly type: 'stop' }
  | { readonly type: 'relayed'; readonly message: ToPredecessor | ToSuccessor }
  | { readonly type: 'alone'; readonly reason: string }

/** To the launcher. `relay` is for the other supervisor; `dismiss` ends the successor. */
export type FromSupervisor =
  | { readonly type: 'serving'; readonly addresses: PlaneAddresses; readonly version: string }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'relay'; readonly message: ToPredecessor | ToSuccessor }
  | { readonly type: 'dismiss'; readonly reason: string }

/** A supervisor's IPC channel to the launcher. */
export type LauncherChannel = {
  /** Resolves once it is sent. */
  send(this: void, message: FromSupervisor, handle?: object): Promise<void>
  onMessage(listener: (message: ToSupervisor, handle: object | undefined) => void): void
}
