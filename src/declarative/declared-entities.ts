import { declaredName } from '../entities/declaration.ts'
import { entities, type Entity } from '../entities/entities.ts'

/** Which part of a workspace a document describes: what traffic passes, or the roles of people. */
export type DocumentPart = 'gateway' | 'roles'

const byPart = Map.groupBy(
  entities,
  ({ inWorkspace, document }) => document?.part ?? (inWorkspace ? 'gateway' : undefined),
)

/** The kinds of entities a document may hold, each after those it refers to. People, their grants and tokens are never in documents. */
export const declaredEntities = (part: DocumentPart): readonly Entity[] => byPart.get(part) ?? []

/** The kind that a document calls so, at its top or under another one. */
export function entityDeclaredAs(
  name: string,
  part: DocumentPart,
  under?: Entity,
): Entity | undefined {
  return declaredEntities(part).find(
    (entity) =>
      nameInDocument(entity) === name &&
      (under === undefined || Object.values(entity.refersTo).includes(under.name)),
  )
}

/** What a document calls a kind: RBAC has underscores where paths have slashes. */
export const nameInDocument = (entity: Entity): string =>
  entity.document?.list ?? declaredName(entity).replaceAll(/[/-]/g, '_')

/** The entity that both sides of a join list by the name of the other, and the fields for that. */
export function joinUnder(
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

/** The field by which an entity of one kind stands under one of another. */
export function fieldUnder(entity: Entity, parent: Entity): string {
  const fields = Object.entries(entity.refersTo).filter(([, name]) => name === parent.name)
  const own = fields.find(([field]) => field === entity.belongsTo)
  return (own ?? fields[0])?.[0] ?? parent.name
}
