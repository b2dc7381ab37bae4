import type { CountAnswer, CountRequest, CountReturn, Recall } from '../cluster/counter-client.ts'
import type { ValueAnswer, ValueRequest } from '../cluster/shared-values.ts'
import type { LogLevelChange } from '../schema/node-protocol.ts'
import type { ListenAddress, PlaneSettings, StreamListen } from './plane-settings.ts'

/** Listening addresses of a control plane. */
export type ControlAddresses = {
  /** The first without TLS, where there is one. */
  readonly admin: string
  readonly manager: string
  /** All listeners in the order of the settings; absent from a predecessor of a version without them. */
  readonly admins?: readonly string[]
  readonly managers?: readonly string[]
  /** Address of the node protocol. */
  readonly nodes: string
  readonly joinSecret: string
  /** Path of the one-time set-up page, while there is no super-admin. */
  readonly setup: string | undefined
}

/** Every listener of a control plane. */
export const controlUrls = ({
  admin,
  manager,
  admins = [admin],
  managers = [manager],
  nodes,
}: Pick<
  ControlAddresses,
  'admin' | 'manager' | 'admins' | 'managers' | 'nodes'
>): readonly string[] => [...admins, ...managers, nodes]

/** Address of the control plane, and the secret for enrolment. */
export type ControlAddress = {
  readonly url: string
  readonly joinSecret: string
  /** Listening addresses of a control plane on this node. */
  readonly listens: readonly ListenAddress[]
}

/** Purpose of a listening socket: connections that begin with a TLS handshake, or streams. A UDP socket is for streams. */
export type SocketDuty = 'secure' | StreamListen

/** A listening socket of the supervisor that a worker accepts on. */
export type PassedSocket = { readonly duty: SocketDuty; readonly socket: object }

/** To a child. `start` carries the socket of plain connections for a gateway worker; each `socket` before it carries one more. */
export type ToChild =
  | { readonly type: 'socket'; readonly duty: SocketDuty }
  | { readonly type: 'start'; readonly plane: 'control'; readonly settings: PlaneSettings }
  | {
      readonly type: 'start'
      readonly plane: 'gateway'
      readonly settings: PlaneSettings
      readonly slot: number
      /** Undefined until the control plane of this node is ready for the first time. */
      readonly control: ControlAddress | undefined
      /** Secret from which the keys of TLS session tickets are derived. */
      readonly ticketSecret: string
    }
  | { readonly type: 'ticket-secret'; readonly secret: string }
  | ({ readonly type: 'control' } & ControlAddress)
  | ({ readonly type: 'log-level' } & LogLevelChange)
  | { readonly type: 'stop' }
  | CountAnswer
  | Recall
  | ValueAnswer

/** To the supervisor. */
export type FromChild =
  | { readonly type: 'control-ready'; readonly addresses: ControlAddresses }
  | { readonly type: 'gateway-ready' }
  | { readonly type: 'failed'; readonly message: string }
  | ({ readonly type: 'log-level' } & LogLevelChange)
  | CountRequest
  | CountReturn
  | ValueRequest

/** A child's IPC channel to its supervisor. */
export type SupervisorChannel = {
  send(this: void, message: FromChild): void
  /** Calls the listener with every message but `socket` and `start`. */
  onMessage(listener: (message: ToChild) => void): void
}
