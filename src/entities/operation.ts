import type { EntityName } from './entities.ts'
import type { Entry } from './entry.ts'
import type { OperationOn } from './hooks.ts'

/** Something to be done to one entity. */
export type Operation<K extends EntityName = EntityName> = OperationOn<K, Entry>

/** What became of an operation. */
export type Outcome<K extends EntityName = EntityName> = {
  readonly before: Entry<K> | undefined
  readonly after: Entry<K> | undefined
  /** Secrets that were given or generated and will never be shown again. */
  readonly revealed: Readonly<Record<string, string>>
}
