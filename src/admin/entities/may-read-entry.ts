import type { Rights } from '../../access/rights.ts'
import type { Configuration } from '../../control/configuration.ts'
import { entityNamed, type Entity, type EntityName } from '../../entities/entities.ts'
import { pathSegment } from '../../control/entry-indexes.ts'
import { positionOf, type ListRequest } from '../../control/list-entries.ts'
import type { AccessCheck } from '../../control/permit.ts'
import type { Entry } from '../../entities/entry.ts'
import type { WorkspaceRef } from '../../control/entity-paths.ts'
import { buildPath } from '../../access/path.ts'
import {
  buildAsk,
  permissionWorkspace,
  canonicalPath,
  entrySegment,
} from '../../control/entity-paths.ts'

export type ListReader = {
  readonly configuration: Configuration
  readonly principal: string
  readonly workspaceRef: WorkspaceRef
  /** The access check for the list as a whole. */
  readonly check: AccessCheck
}

/** An entry is visible in a list when it may be read at its canonical path and no rule denies it at any other path, including the path of the list. */
export function mayReadEntry(
  { configuration, principal, workspaceRef, check }: ListReader,
  entity: EntityName,
  entry: Entry,
): boolean {
  const segment = entrySegment(entity, entry)
  const scope = permissionWorkspace(entity, workspaceRef, segment, entry)
  const ask = buildAsk(entity, entry, scope, canonicalPath(entity, segment), 'read')
  const here = buildAsk(entity, entry, scope, `${check.ask.path}${buildPath(segment)}`, 'read')
  const aliases = [...(check.aliases ?? []), here]
  return configuration.decide(principal, { ask, aliases }).allowed
}

/**
 * The visible entries of a list. Rules that do not name an entry by its id or key decide the same for all such entries,
 * so one decision covers them; when it denies, only entries that a rule names are looked up.
 */
export function* readableEntries(reader: ListReader, list: ListRequest): Iterable<Entry> {
  const { configuration, principal } = reader
  const rights = configuration.rightsOf(principal)
  if (rights === undefined) return
  const named = namesIn(rights)
  let mayReadOthers: boolean | undefined
  for (const entry of configuration.scan(list)) {
    if (isNamed(named, list.entity, entry)) {
      if (mayReadEntry(reader, list.entity, entry)) yield entry
      continue
    }
    mayReadOthers ??= mayReadEntry(reader, list.entity, entry)
    if (mayReadOthers) {
      yield entry
      continue
    }
    const after = positionOf(entry, list.sort)
    for (const other of configuration.scan({ ...list, named, after })) {
      if (mayReadEntry(reader, list.entity, other)) yield other
    }
    return
  }
}

/** Every segment and id that occurs in the rules of a principal. */
const namesIn = ({ endpoints, entities }: Rights): ReadonlySet<string> =>
  new Set([
    ...endpoints.flatMap(({ segments = [] }) => segments),
    ...entities.map(({ entity }) => entity),
  ])

/** Whether rules can name an entry by its id or key. */
const isNamed = (named: ReadonlySet<string>, entity: EntityName, entry: Entry): boolean =>
  (entityNamed(entity) as Entity).isWorkspace === true ||
  (named.size > 0 && (named.has(entry.id) || named.has(pathSegment(entityNamed(entity), entry))))
