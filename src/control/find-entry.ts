import { entities, entityNamed, type Entity, type EntityName } from '../entities/entities.ts'
import { entriesOf, referenceIn, type Entry } from '../entities/entry.ts'
import { uuidPattern } from '../entities/fields.ts'
import type { EntryAddress, Lookup } from '../entities/hooks.ts'
import type { ConfigurationView } from './configuration-view.ts'

export type Address<K extends EntityName = EntityName> = EntryAddress & { readonly entity: K }

/** The entry at an address. An id takes precedence over an equal key. */
export function findEntry<K extends EntityName>(
  view: ConfigurationView,
  address: Address<K>,
): Entry<K> | undefined {
  return findAny(view, address) as Entry<K> | undefined
}

function findAny(view: ConfigurationView, address: Address): Entry | undefined {
  const entity: Entity = entityNamed(address.entity)
  const named = findById(view, entity, address)
  if (named !== undefined) return isHere(named, address) ? named : undefined
  const { key } = entity
  if (key === undefined) return undefined
  for (const form of entity.keyForms?.(address.at) ?? [address.at]) {
    const range = { entity: entity.name, workspace: address.workspace, key: form }
    for (const entry of view.scan({ ...range, index: `field:${key}` })) {
      if (isHere(entry, address)) return entry
    }
  }
  return undefined
}

function findById(view: ConfigurationView, entity: Entity, address: Address): Entry | undefined {
  const all = entriesOf<EntityName>(view.entries, entity.name)
  const { at } = address
  return (
    (uuidPattern.test(at) ? all.get(at.toLowerCase()) : undefined) ??
    all.get(entity.findId?.(address, lookupIn(view)) ?? '')
  )
}

function isHere(entry: Entry, { entity, workspace, within }: Omit<Address, 'at'>): boolean {
  return (
    (!entityNamed(entity).inWorkspace || entry.workspace === workspace) &&
    (within === undefined || referenceIn(entry, within.field) === within.id)
  )
}

/** The interface through which hooks read a configuration. */
export function lookupIn(view: ConfigurationView): Lookup {
  return {
    find: ({ name }, address) => findAny(view, { entity: name as EntityName, ...address }) as never,
    list({ name }, { workspace, within }) {
      const range = { entity: name as EntityName, workspace }
      return [
        ...(within === undefined
          ? view.scan({ ...range, index: 'all', key: '' })
          : view.scan({ ...range, index: `reference:${within.field}`, key: within.id })),
      ] as never
    },
    withId: (id) => entities.flatMap(({ name }) => view.entries.get(name)?.get(id) ?? []),
    workspaces: () =>
      [...entriesOf(view.entries, 'workspace').values()].map(({ id, fields: { name } }) => ({
        id,
        name,
      })),
  }
}
