import type { Entry } from '../schema/entry.ts'

/** A body as it arrives: named values, not yet checked. */
export type Body = Readonly<Record<string, unknown>>

/** Something to be done to one entity. */
export type Operation = {
  /**
   * `replace` puts a whole entity in place of what is there, if anything is. Of many operations together, `remove` takes
   * away an entity without what belongs to it and `restore` puts an entry back as it was; what refers to what is checked
   * when all are done.
   */
  readonly kind: 'create' | 'replace' | 'update' | 'delete' | 'remove' | 'restore'
  /** Name of the entity, for example `service`. */
  readonly entity: string
  /** Id of the workspace; null for what belongs to none. */
  readonly workspace: string | null
  /** Id or key; absent when something is created. */
  readonly at?: string
  /** Whether `at` can only be an id, so that nothing is searched by key. */
  readonly isById?: true
  /** The reference that a nested path fixes: the entity must hold it, and one that is created gets it. */
  readonly within?: { readonly field: string; readonly id: string }
  readonly body?: Body
  /** Whether a password in the body is the hash of one already. */
  readonly isHashed?: boolean
  /** What is restored. */
  readonly entry?: Entry
}

/** What an operation came to. */
export type Outcome = {
  readonly before: Entry | undefined
  readonly after: Entry | undefined
  /** Secrets that were given or made and will never be shown again. */
  readonly revealed: Readonly<Record<string, string>>
}
