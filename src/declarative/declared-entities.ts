import { declaredName } from '../entities/declaration.ts'
import { entities, type Entity } from '../entities/entities.ts'

/** `gateway` is the configuration of the data plane, `roles` the RBAC roles. */
export type DocumentPart = 'gateway' | 'roles'

const byPart = Map.groupBy(
  entities,
  ({ inWorkspace, document }) => document?.part ?? (inWorkspace ? 'gateway' : undefined),
)

/** The kinds that a document can contain, each after those it refers to. Principals, role assignments and tokens are never declared. */
export const declaredEntities = (part: DocumentPart): readonly Entity[] => byPart.get(part) ?? []

/** Finds the kind of a list at the top level or under another entity. */
export function findDeclaredEntity(
  name: string,
  part: DocumentPart,
  under?: Entity,
): Entity | undefined {
  return declaredEntities(part).find(
    (entity) =>
      listName(entity) === name &&
      (under === undefined || Object.values(entity.refersTo).includes(under.name)),
  )
}

/** RBAC kinds use underscores where their paths have slashes. */
export const listName = (entity: Entity): string =>
  entity.document?.list ?? declaredName(entity).replaceAll(/[/-]/g, '_')

/** Finds a join entity, which both of its sides list under the name of the other side. */
export function findJoin(
  parent: Entity,
  list: string,
  part: DocumentPart,
): { readonly entity: Entity; readonly field: string; readonly other: string } | undefined {
  for (const entity of declaredEntities(part)) {
    const fields = Object.entries(entity.document?.joins ?? {})
    const found = fields.find(
      ([field, name]) => name === list && entity.refersTo[field] === parent.name,
    )
    const other = fields.find((one) => one !== found)
    if (found !== undefined && other !== undefined)
      return { entity, field: found[0], other: other[0] }
  }
  return undefined
}

/** The field that refers to the entity under which another one is nested. */
export function parentField(entity: Entity, parent: Entity): string {
  const fields = Object.entries(entity.refersTo).filter(([, name]) => name === parent.name)
  const own = fields.find(([field]) => field === entity.belongsTo)
  return (own ?? fields[0])?.[0] ?? parent.name
}
