import type { Declaration } from '../entities/declaration.ts'
import { entities, entityNamed, type EntityName } from '../entities/entities.ts'
import { referenceIn, type Entry } from '../entities/entry.ts'
import type { Edit } from '../entities/hooks.ts'
import { stillReferenced } from '../entities/kong-problem.ts'
import { uuidv4 } from '../lib/ids.ts'
import type { Draft } from './draft.ts'
import { lookupIn } from './find-entry.ts'

/** Removes an entry and all that belongs to it; refuses while something else refers to it. */
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
  takeOut(draft, name, entry)
}

/** Removes one entry alone; what refers to it must be gone, or lead elsewhere, when all operations are done. */
export function removeAlone(draft: Draft, name: EntityName, entry: Entry): void {
  entityNamed(name).beforeRemove?.(entry as never, editOf(draft))
  takeOut(draft, name, entry)
}

const observers = entities.filter((entity) => entity.afterAnyRemove !== undefined)

function takeOut(draft: Draft, name: EntityName, entry: Entry): void {
  const removed = { entity: entityNamed(name), entry }
  for (const observer of observers) observer.afterAnyRemove?.(removed, editOf(draft))
  draft.remove(name, entry.id)
}

/** Refuses a configuration in which something refers to what is not there. */
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

/** A draft as the hooks of entities change it. */
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
