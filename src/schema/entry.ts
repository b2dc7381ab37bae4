/** One stored entity: its own fields and what surrounds them. */
export type Entry = {
  readonly id: string
  /** Id of its workspace; null for what belongs to none. */
  readonly workspace: string | null
  /** Seconds since the epoch. */
  readonly createdAt: number
  /** Seconds since the epoch. */
  readonly updatedAt: number
  /** Its own fields with defaults filled; a reference is `{ id }` or null. */
  readonly fields: Readonly<Record<string, unknown>>
}

/** A whole configuration: name of entity → id → entry. */
export type Entries = ReadonlyMap<string, ReadonlyMap<string, Entry>>

/** The id a reference field holds; undefined when it is unset. */
export function referenceIn(entry: Entry, field: string): string | undefined {
  return (entry.fields[field] as { id: string } | null | undefined)?.id
}
