import { entities, entityNamed, type Entity, type EntityName } from '../entities/entities.ts'
import { entriesOf, referenceIn, type Entries, type Entry } from '../entities/entry.ts'
import { uuidPattern } from '../entities/fields.ts'
import type { EntryAddress, Lookup } from '../entities/hooks.ts'

export type Address<K extends EntityName = EntityName> = EntryAddress & { readonly entity: K }

/** The entry at an address. An id takes precedence over an equal key. */
export function findEntry<K extends EntityName>(
  entries: Entries,
  address: Address<K>,
): Entry<K> | undefined {
  return findAny(entries, address) as Entry<K> | undefined
}

function findAny(entries: Entries, address: Address): Entry | undefined {
  const { at } = address
  const entity: Entity = entityNamed(address.entity)
  const all = entriesOf<EntityName>(entries, entity.name)
  const named =
    (uuidPattern.test(at) ? all.get(at.toLowerCase()) : undefined) ??
    all.get(entity.findId?.(address, lookupIn(entries)) ?? '')
  if (named !== undefined) return isHere(named, address) ? named : undefined
  const forms = entity.keyForms?.(at) ?? [at]
  for (const entry of all.values()) {
    if (forms.includes(keyOf(entity, entry)) && isHere(entry, address)) return entry
  }
  return undefined
}

const keyOf = ({ key }: Entity, { fields }: Entry): string =>
  (key === undefined ? undefined : fields[key]) as string

function isHere(entry: Entry, { entity, workspace, within }: Omit<Address, 'at'>): boolean {
  return (
    (!entityNamed(entity).inWorkspace || entry.workspace === workspace) &&
    (within === undefined || referenceIn(entry, within.field) === within.id)
  )
}

/** The interface through which hooks read a configuration. */
export function lookupIn(entries: Entries): Lookup {
  return {
    find: ({ name }, address) =>
      findAny(entries, { entity: name as EntityName, ...address }) as never,
    list: ({ name }, place) =>
      [...entriesOf<EntityName>(entries, name as EntityName).values()]
        .filter((entry) => isHere(entry, { entity: name as EntityName, ...place }))
        .sort((a, b) => (a.id < b.id ? -1 : 1)) as never,
    withId: (id) => entities.flatMap(({ name }) => entries.get(name)?.get(id) ?? []),
    workspaces: () =>
      [...entriesOf(entries, 'workspace').values()].map(({ id, fields: { name } }) => ({
        id,
        name,
      })),
  }
}
