import type { Declaration } from '../entities/declaration.ts'
import { entities, entityNamed, type EntityName } from '../entities/entities.ts'
import { referenceIn, type Entry } from '../entities/entry.ts'
import type { Edit } from '../entities/hooks.ts'
import { stillReferenced } from '../entities/kong-problem.ts'
import { uuidv4 } from '../lib/ids.ts'
import type { Draft } from './draft.ts'
import { lookupIn } from './find-entry.ts'

/** Removes an entry and the entries that cascade from it; throws while any other entry refers to it. */
export function removeEntry(draft: Draft, name: EntityName, entry: Entry): void {
  const entity = entityNamed(name)
  entity.beforeRemove?.(entry as never, editOf(draft))
  for (const referring of entities) {
    for (const [field, target] of Object.entries(referring.refersTo)) {
      if (target !== name) continue
      const cascades = field === referring.belongsTo || (referring.cascades ?? []).includes(field)
      for (const child of draft.all(referring.name)) {
        if (referenceIn(child, field) !== entry.id) continue
        if (!cascades) throw stillReferenced(entity.plural, referring.plural)
        removeEntry(draft, referring.name, child)
      }
    }
  }
  removeFromDraft(draft, name, entry)
}

/** Removes one entry without cascading. References to it are checked once all operations are applied (`checkReferences`). */
export function removeWithoutDependents(draft: Draft, name: EntityName, entry: Entry): void {
  entityNamed(name).beforeRemove?.(entry as never, editOf(draft))
  removeFromDraft(draft, name, entry)
}

const observers = entities.filter((entity) => entity.afterAnyRemove !== undefined)

function removeFromDraft(draft: Draft, name: EntityName, entry: Entry): void {
  const removed = { entity: entityNamed(name), entry }
  for (const observer of observers) observer.afterAnyRemove?.(removed, editOf(draft))
  draft.remove(name, entry.id)
}

/** Throws when any entry refers to one that does not exist. */
export function checkReferences(draft: Draft): void {
  for (const referring of entities) {
    for (const [field, target] of Object.entries(referring.refersTo)) {
      for (const entry of draft.all(referring.name)) {
        const id = referenceIn(entry, field)
        if (id !== undefined && draft.find(target, id) === undefined)
          throw stillReferenced(entityNamed(target).plural, referring.plural)
      }
    }
  }
}

/** The interface through which hooks edit a draft. */
export function editOf(draft: Draft): Edit {
  const nameIn = ({ name }: Declaration): EntityName => name as EntityName
  return {
    ...lookupIn(draft.entries),
    create(entity, entry) {
      const created = { ...entry, id: uuidv4(), updatedAt: entry.createdAt }
      draft.put(nameIn(entity), created as unknown as Entry)
      return created
    },
    all: (entity) => draft.all(nameIn(entity)) as never,
    remove: (entity, entry) => removeEntry(draft, nameIn(entity), entry),
    discard: (entity, id) => draft.remove(nameIn(entity), id),
    contents: (workspace) =>
      entities
        .filter(({ inWorkspace }) => inWorkspace)
        .map((entity) => ({
          entity,
          entries: draft.all(entity.name).filter((entry) => entry.workspace === workspace),
        }))
        .filter(({ entries }) => entries.length > 0),
  }
}
