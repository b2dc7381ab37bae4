import type { CooperativeTask } from '../lib/cooperative-task.ts'
import type { Declaration } from '../entities/declaration.ts'
import { entities, entityNamed, type Entity, type EntityName } from '../entities/entities.ts'
import { referencesIn, type Entry } from '../entities/entry.ts'
import type { Edit } from '../entities/hooks.ts'
import { stillReferenced } from '../entities/kong-problem.ts'
import { uuidv4 } from '../lib/ids.ts'
import { entriesWith, referrersOf } from './configuration-view.ts'
import type { Draft } from './draft.ts'
import { lookupIn } from './find-entry.ts'

/** The references by which entries of one kind are referred to. */
const referencesTo: ReadonlyMap<
  string,
  readonly { readonly referring: Entity; readonly field: string; readonly cascades: boolean }[]
> = Map.groupBy(
  entities.flatMap((referring: Entity) =>
    Object.entries({ ...referring.refersTo, ...referring.refersToMany }).map(([field, target]) => ({
      referring,
      field,
      target,
      cascades: field === referring.belongsTo || (referring.cascades ?? []).includes(field),
    })),
  ),
  ({ target }) => target,
)

/** Removes an entry and the entries that cascade from it; throws while any other entry refers to it. */
export function removeEntry(draft: Draft, name: EntityName, entry: Entry): void {
  const entity = entityNamed(name)
  entity.beforeRemove?.(entry as never, editOf(draft))
  for (const { referring, field, cascades } of referencesTo.get(name) ?? []) {
    for (const child of referrersOf(draft, referring.name, field, entry)) {
      if (!cascades) throw stillReferenced(entity.plural, referring.plural)
      // Another reference may have removed it already.
      if (draft.find(referring.name, child.id) !== undefined)
        removeEntry(draft, referring.name, child)
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

/** Throws when an entry that the draft wrote refers to one that does not exist, or any entry to one that it removed. */
export function* checkReferences(draft: Draft): CooperativeTask<void> {
  const touched = yield* draft.listTouched()
  for (const { entity: name, before, after } of touched) {
    yield
    const entity: Entity = entityNamed(name)
    for (const [field, target] of Object.entries({ ...entity.refersTo, ...entity.refersToMany })) {
      const ids = after === undefined ? [] : referencesIn(after, field)
      if (ids.some((id) => draft.find(target, id) === undefined))
        throw stillReferenced(entityNamed(target).plural, entity.plural)
    }
    if (before === undefined || after !== undefined) continue
    for (const { referring, field } of referencesTo.get(name) ?? []) {
      for (const _child of referrersOf(draft, referring.name, field, before))
        throw stillReferenced(entity.plural, referring.plural)
    }
  }
}

/** The interface through which hooks edit a draft. */
export function editOf(draft: Draft): Edit {
  const nameIn = ({ name }: Declaration): EntityName => name as EntityName
  return {
    ...lookupIn(draft),
    create(entity, entry) {
      const created = { ...entry, id: uuidv4(), updatedAt: entry.createdAt }
      draft.put(nameIn(entity), created as unknown as Entry)
      return created
    },
    where: (entity, field, value) => [...entriesWith(draft, nameIn(entity), field, value)] as never,
    remove: (entity, entry) => removeEntry(draft, nameIn(entity), entry),
    discard: (entity, id) => draft.remove(nameIn(entity), id),
    kindsIn: (workspace) =>
      entities.filter(({ name: entity, inWorkspace }) => {
        if (!inWorkspace) return false
        const [first] = draft.scan({ entity, workspace, index: 'all', key: '' })
        return first !== undefined
      }),
  }
}
