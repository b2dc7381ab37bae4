/** A field that differs. */
export type FieldDifference = {
  /** Names from the entity to the value, joined by dots. */
  readonly path: string
  /** Absent when the value did not exist, or is a secret. */
  readonly before?: unknown
  readonly after?: unknown
  /** Whether the values are withheld because the field is a secret. */
  readonly secret?: true
}

/** An entity that differs. */
export type EntityDifference = {
  readonly kind: 'create' | 'update' | 'delete'
  /** Entity type, for example `service`. */
  readonly entity: string
  /** Empty when the reader may not read it and the change cascades to it. */
  readonly id: string
  /** Its key, or its id without one; `…` when the reader may not read it. */
  readonly name: string
  /** Its parent, for display; '' without one. */
  readonly under: string
  /** Id of its workspace; null for global entities. */
  readonly workspace: string | null
  readonly fields: readonly FieldDifference[]
}

export type ChangeCounts = {
  readonly created: number
  readonly updated: number
  readonly deleted: number
}

/** The differences between two configurations. */
export type ConfigDifference = {
  readonly counts: ChangeCounts
  readonly items: readonly EntityDifference[]
}

/** The changes that make a workspace equal to a document. */
export type SyncPlan = ConfigDifference & {
  readonly workspace: string
  /** The revision the plan is based on. */
  readonly revision: number
  /** Number of entities that are equal to the document. */
  readonly unchanged: number
}

/** A revision in a list. */
export type RevisionSummary = {
  readonly number: number
  /** Milliseconds since the epoch. */
  readonly time: number
  readonly principal: string
  /** Null when it covers entities that the reader may not see. */
  readonly message: string | null
  /** Short summary; null when it covers entities that the reader may not see. */
  readonly summary: string | null
  readonly counts: ChangeCounts
  /** The counts by entity type. */
  readonly kinds: readonly ({ readonly entity: string } & ChangeCounts)[]
}

/** A revision that changed an entity since the last sync. */
export type DriftAuthor = {
  readonly revision: number
  readonly time: number
  readonly principal: string
  readonly message: string | null
}

/** The last sync, and the changes since. */
export type Drift = {
  /** Absent before the first sync. */
  readonly synced?: {
    readonly revision: number
    readonly time: number
    readonly principal: string
    readonly message: string | null
    readonly tags: readonly string[]
  }
  readonly counts: ChangeCounts
  readonly items: readonly (EntityDifference & { readonly by: readonly DriftAuthor[] })[]
}
