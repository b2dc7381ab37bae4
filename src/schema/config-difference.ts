/** One field that is not as it was. */
export type FieldDifference = {
  /** Names down to the value, joined by dots. */
  readonly path: string
  /** Absent where there was none, or where it is a secret. */
  readonly before?: unknown
  readonly after?: unknown
  /** True where the values are not told. */
  readonly secret?: true
}

/** One entity that is not as it was. */
export type EntityDifference = {
  readonly kind: 'create' | 'update' | 'delete'
  /** Name of the entity's kind, for example `service`. */
  readonly entity: string
  readonly id: string
  /** How people call it: its key, else its id. */
  readonly name: string
  /** What it stands under, in words, or ''. */
  readonly under: string
  /** Id of its workspace; null for what belongs to none. */
  readonly workspace: string | null
  readonly fields: readonly FieldDifference[]
}

/** How many entities are made, changed and removed. */
export type ChangeCounts = {
  readonly created: number
  readonly updated: number
  readonly deleted: number
}

/** What would become of a configuration, or became of it. */
export type ConfigDifference = {
  readonly counts: ChangeCounts
  readonly items: readonly EntityDifference[]
}

/** A plan to make a workspace as a declarative document says. */
export type SyncPlan = ConfigDifference & {
  readonly workspace: string
  /** The revision it was made on. */
  readonly revision: number
  /** Entities that are as the document says. */
  readonly unchanged: number
}

/** One revision in a list of them. */
export type RevisionLine = {
  readonly number: number
  /** Milliseconds since the epoch. */
  readonly time: number
  readonly principal: string
  readonly message: string | null
  /** What it did in a few words; null when some of that may not be known to the reader. */
  readonly summary: string | null
  readonly counts: ChangeCounts
  /** The same for each kind of entity. */
  readonly kinds: readonly ({ readonly entity: string } & ChangeCounts)[]
}

/** Who made an entity differ from what was synced. */
export type DriftAuthor = {
  readonly revision: number
  readonly time: number
  readonly principal: string
  readonly message: string | null
}

/** What was synced last, and what became of it since. */
export type Drift = {
  /** Absent when nothing was ever synced here. */
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
