import type { EntityName } from './entities.ts'
import type { Entry } from './entry.ts'
import type { OperationOn } from './hooks.ts'

export type Operation<K extends EntityName = EntityName> = OperationOn<K, Entry>

/** The result of an operation. */
export type Outcome<K extends EntityName = EntityName> = {
  readonly before: Entry<K> | undefined
  readonly after: Entry<K> | undefined
  /** Clear values of secrets that are stored as hashes, for this answer only. */
  readonly revealed: Readonly<Record<string, string>>
}
