import { decide } from '../access/decide.ts'
import type { Rights } from '../access/rights.ts'
import { declaredName, type AnyEntry, type Declaration } from '../entities/declaration.ts'
import { entities, entityNamed, type Entity, type EntityName } from '../entities/entities.ts'
import { entriesOf, type Entries, type Entry } from '../entities/entry.ts'
import { uuidPattern } from '../entities/fields.ts'
import type { Lookup } from '../entities/hooks.ts'
import type { ConfigurationView } from './configuration-view.ts'
import {
  buildAsk,
  canonicalPath,
  entrySegment,
  permissionWorkspace,
  type WorkspaceRef,
} from './entity-paths.ts'
import { findEntry } from './find-entry.ts'

/** The configuration as one principal may read it. Every entity name in a response comes from here. */
export type Reader = {
  /** Whether the principal may read an entry, of this or an earlier revision, at its own path. */
  readonly mayRead: (entity: EntityName, entry: Entry) => boolean
  /** Whether the principal may read the list of such entries in a workspace. */
  readonly mayList: (entity: EntityName, workspace: string | null) => boolean
  /** The key of an entry; its id when it has none, or when the principal may not read it. */
  readonly nameOf: (entity: EntityName, entry: Entry) => string
  /** A path of the Admin API in which `…` replaces every entity that the principal may not read. */
  readonly shownPath: (path: string, workspace: WorkspaceRef) => string
  /** A sentence with its paths and ids replaced likewise. */
  readonly shownText: (text: string, workspace: WorkspaceRef) => string
}

/** Without rights, nothing is readable. */
export function openReader(view: ConfigurationView, rights: Rights | undefined): Reader {
  const workspaces = entriesOf(view.entries, 'workspace')
  const workspaceAt = (id: string | null): WorkspaceRef => ({
    id: id ?? '',
    name: workspaces.get(id ?? '')?.fields.name ?? '',
  })
  const isAllowed = (ask: Parameters<typeof decide>[1]): boolean =>
    rights !== undefined && decide(rights, ask).allowed
  const mayRead: Reader['mayRead'] = (entity, entry) => {
    const segment = entrySegment(entity, entry)
    const scope = permissionWorkspace(entity, workspaceAt(entry.workspace), segment, entry)
    return isAllowed(buildAsk(entity, entry, scope, canonicalPath(entity, segment), 'read'))
  }
  /** For an entity that no longer exists, the path alone decides. */
  const mayReadAt = ({ name }: Entity, at: string, workspace: WorkspaceRef): boolean => {
    const entry = findEntry(view, { entity: name, workspace: workspace.id, at })
    if (entry !== undefined) return mayRead(name, entry)
    const scope = permissionWorkspace(name, workspace, at)
    return isAllowed({ workspace: scope, path: canonicalPath(name, at), action: 'read' })
  }
  const shownPath: Reader['shownPath'] = (path, workspace) => {
    const segments = path.split('/').filter((segment) => segment !== '')
    const shown = [...segments]
    for (let at = 0; at < segments.length; at += 1) {
      const [entity, length] = collectionAt(segments, at)
      if (entity === undefined) continue
      const item = segments[at + length]?.replaceAll('%2F', '/')
      if (item !== undefined && item !== '*' && !mayReadAt(entity, item, workspace))
        shown[at + length] = hidden
      at += length
    }
    return segments.length === 0 ? path : `/${shown.join('/')}`
  }
  return {
    mayRead,
    mayList(entity, workspace) {
      const scope = permissionWorkspace(entity, workspaceAt(workspace))
      return isAllowed({ workspace: scope, path: canonicalPath(entity), action: 'read' })
    },
    nameOf: (entity, entry) => (mayRead(entity, entry) ? entrySegment(entity, entry) : entry.id),
    shownPath,
    shownText(text, workspace) {
      const isHiddenId = (id: string): boolean => {
        const found = entities.flatMap(({ name }) => {
          const entry = view.entries.get(name)?.get(id)
          return entry === undefined ? [] : [mayRead(name, entry)]
        })
        return found.length > 0 && !found.includes(true)
      }
      return text
        .replaceAll(/\/[^\s"'{}]*[^\s"'{}.,;:)]/g, (path) => shownPath(path, workspace))
        .replaceAll(anyUuid, (id) => (isHiddenId(id.toLowerCase()) ? hidden : id))
    },
  }
}

/** Whether a reader may let an entity refer to another one: one that is readable, or that the same change creates. */
export const mayReferOf =
  (present: Entries, { mayRead }: Pick<Reader, 'mayRead'>) =>
  (entity: EntityName, entry: Entry): boolean =>
    present.get(entity)?.get(entry.id) === undefined || mayRead(entity, entry)

/** The lookup of hooks, without what the principal may not read in a workspace. */
export const readableLookup = (lookup: Lookup, { mayRead }: Reader): Lookup => {
  const isKept = ({ name, inWorkspace }: Declaration, entry: AnyEntry): boolean =>
    !inWorkspace || mayRead(name as EntityName, entry)
  return {
    ...lookup,
    find(entity, address) {
      const found = lookup.find(entity, address)
      return found !== undefined && isKept(entity, found as AnyEntry) ? found : undefined
    },
    list: (entity, place) =>
      lookup.list(entity, place).filter((entry) => isKept(entity, entry as AnyEntry)),
  }
}

const hidden = '…'

const anyUuid = new RegExp(uuidPattern.source.replaceAll(/^\^|\$$/g, ''), 'gi')

/** The entity whose collection begins at a segment, and the number of its segments. */
function collectionAt(
  segments: readonly string[],
  at: number,
): readonly [entity: Entity | undefined, length: number] {
  const [first = '', second = ''] = segments.slice(at, at + 2)
  const pair = collections.get(`${first}/${second}`)
  return pair === undefined ? [collections.get(first), 1] : [pair, 2]
}

/** Collection in a path → its entity, with the names of nested lists and Kong's aliases. */
const collections: ReadonlyMap<string, Entity> = new Map([
  ...entities.flatMap((entity: Entity) =>
    [entity.plural, entity.nestedAs ?? entity.plural, declaredName(entity)].map(
      (name) => [name, entity] as const,
    ),
  ),
  ['admins', entityNamed('principal')],
  ['groups', entityNamed('group')],
])
