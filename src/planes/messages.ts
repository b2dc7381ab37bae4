import type { CountAnswer, CountRequest, CountReturn, Recall } from '../cluster/ask-counters.ts'
import type { PlaneSettings, StreamListen } from './plane-settings.ts'

/** Where the parts of the control plane can be reached. */
export type ControlAddresses = {
  readonly admin: string
  readonly manager: string
  readonly nodes: string
  readonly joinSecret: string
  /** Path of the one-time set-up page, while there is no super-admin. */
  readonly setup: string | undefined
}

/** What a lent socket is for: connections that begin with a TLS handshake, or streams. */
export type LentDuty = 'secure' | StreamListen

/** A listening socket of the supervisor, and what it is for. */
export type LentSocket = { readonly duty: LentDuty; readonly socket: object }

/** What the supervisor tells a child. `start` comes first; to a gateway worker it brings its listening socket along, and each `lend` before it one more. */
export type ToChild =
  | { readonly type: 'lend'; readonly duty: LentDuty }
  | { readonly type: 'start'; readonly plane: 'control'; readonly settings: PlaneSettings }
  | {
      readonly type: 'start'
      readonly plane: 'gateway'
      readonly settings: PlaneSettings
      readonly slot: number
    }
  | { readonly type: 'control'; readonly url: string; readonly joinSecret: string }
  | { readonly type: 'stop' }
  | CountAnswer
  | Recall

/** What a child tells the supervisor. */
export type FromChild =
  | { readonly type: 'control-ready'; readonly addresses: ControlAddresses }
  | { readonly type: 'gateway-ready' }
  | { readonly type: 'failed'; readonly message: string }
  | CountRequest
  | CountReturn

/** A child's end of the line to its supervisor. */
export type SupervisorLine = {
  send(this: void, message: FromChild): void
  /** Hears everything but `lend` and `start`. */
  onMessage(listener: (message: ToChild) => void): void
}
