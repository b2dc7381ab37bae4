import type { Rights } from '../../access/rights.ts'
import type { Configuration } from '../../control/configuration.ts'
import { entityNamed, type Entity, type EntityName } from '../../entities/entities.ts'
import { pathSegment } from '../../control/entry-indexes.ts'
import { positionOf, type ListRequest } from '../../control/list-entries.ts'
import type { AccessCheck } from '../../control/permit.ts'
import type { Entry } from '../../entities/entry.ts'
import type { Place } from '../admin-route.ts'
import { askAbout, homeOf, ownPath, pathOf, segmentOf } from './entity-paths.ts'

/** A list in which an entry may be shown. */
export type ListReader = {
  readonly configuration: Configuration
  readonly principal: string
  readonly place: Place
  /** The question about the list as such. */
  readonly check: AccessCheck
}

/** Whether an entry may be shown in a list: it may be read at its own path, and no rule forbids to read it at any other path to it, this list's included. */
export function mayReadEntry(
  { configuration, principal, place, check }: ListReader,
  entity: EntityName,
  entry: Entry,
): boolean {
  const segment = segmentOf(entity, entry)
  const home = homeOf(entity, place, segment, entry)
  const ask = askAbout(entity, entry, home, ownPath(entity, segment), 'read')
  const here = askAbout(entity, entry, home, `${check.ask.path}${pathOf(segment)}`, 'read')
  const aliases = [...(check.aliases ?? []), here]
  return configuration.decide(principal, { ask, aliases }).allowed
}

/**
 * The entries of a list that may be shown in it. Rules that do not name an entry by its id or key decide alike about all
 * such entries, so that is decided once; when they deny, only entries that a rule names are looked up.
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

/** Every segment and id that the rules of a principal are written about. */
const namesIn = ({ endpoints, entities }: Rights): ReadonlySet<string> =>
  new Set([
    ...endpoints.flatMap(({ segments = [] }) => segments),
    ...entities.map(({ entity }) => entity),
  ])

/** Whether rules may decide about an entry by its id or key. A workspace is also where rules are written. */
const isNamed = (named: ReadonlySet<string>, entity: EntityName, entry: Entry): boolean =>
  (entityNamed(entity) as Entity).isWorkspace === true ||
  (named.size > 0 && (named.has(entry.id) || named.has(pathSegment(entityNamed(entity), entry))))
