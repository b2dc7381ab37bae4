import type { Action } from './role.ts'

/** What somebody did to the configuration, or tried to. */
export type AuditRecord = {
  readonly id: string
  /** Milliseconds since the epoch. */
  readonly time: number
  readonly requestId: string
  /** Null when nobody could be identified. */
  readonly principal: { readonly id: string; readonly name: string } | null
  readonly address: string
  /** Name of the workspace that was asked for. */
  readonly workspace: string
  readonly method: string
  readonly path: string
  readonly action: Action
  readonly allowed: boolean
  /** The rule that decided, or the sentence of the refusal. */
  readonly because: string
  /** The touched entities as they were, secrets redacted. */
  readonly before: readonly unknown[]
  /** The touched entities as they became, secrets redacted. */
  readonly after: readonly unknown[]
  readonly status: number
  /** Revision the change made, null when it made none. */
  readonly revision: number | null
}
