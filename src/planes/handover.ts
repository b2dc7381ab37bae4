import type { CountAnswer, Recall } from '../cluster/ask-counters.ts'
import type { LedgerEntry } from '../cluster/counter-ledger.ts'
import type { BankErrand } from '../cluster/inherit-counters.ts'
import type { NodeAddresses } from './node-addresses.ts'
import type { ControlAddresses } from './messages.ts'

/** The form in which one supervisor hands its node over to the next; programs of different forms cannot upgrade each other. */
export const handoverForm = 1

/** What an heir tells the supervisor before it: that it is there, how far it is, and what its workers count. */
export type ToElder =
  | { readonly type: 'heir'; readonly form: number; readonly version: string }
  | { readonly type: 'workers-serve' }
  | { readonly type: 'control-serves' }
  | { readonly type: 'errand'; readonly errand: BankErrand }

/** What a supervisor hands on: each `socket` with its handle, then where the node is, then the control plane, at last the counts. */
export type ToHeir =
  | { readonly type: 'socket'; readonly key: string; readonly port: number }
  | { readonly type: 'estate'; readonly form: number; readonly addresses: ControlAddresses }
  | { readonly type: 'control-is-free' }
  | {
      readonly type: 'told'
      readonly worker: number
      readonly message: CountAnswer | Recall
      readonly done: number
    }
  | {
      readonly type: 'ledger'
      readonly known: readonly LedgerEntry[]
      readonly done: number
    }

/** What the process that was started tells a supervisor; `told` is from the other supervisor, `alone` that the other is gone. */
export type ToSupervisor =
  | {
      readonly type: 'supervise'
      readonly overrides: Readonly<Record<string, string | undefined>>
      readonly isHeir: boolean
    }
  | { readonly type: 'reload' }
  | { readonly type: 'stop' }
  | { readonly type: 'told'; readonly message: ToElder | ToHeir }
  | { readonly type: 'alone'; readonly why: string }

/** What a supervisor tells the process that was started; `tell` is for the other supervisor, `dismiss` ends the heir. */
export type FromSupervisor =
  | { readonly type: 'serving'; readonly addresses: NodeAddresses; readonly version: string }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'tell'; readonly message: ToElder | ToHeir }
  | { readonly type: 'dismiss'; readonly why: string }

/** A supervisor's end of the line to the process that was started. */
export type LauncherLine = {
  /** Resolves once it is out. */
  send(this: void, message: FromSupervisor, handle?: object): Promise<void>
  onMessage(listener: (message: ToSupervisor, handle: object | undefined) => void): void
}
