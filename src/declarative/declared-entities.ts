import { entities } from '../schema/entities.ts'
import { declaredName, type Entity } from '../schema/entity.ts'

/** Which part of a workspace a document speaks about: what traffic passes, or the roles of people. */
export type DocumentPart = 'gateway' | 'roles'

const ofRoles: ReadonlySet<string> = new Set(['role', 'endpoint-permission', 'entity-permission'])

/** The kinds of entities a document may hold, each after those it refers to. People, their grants and tokens are never in documents. */
export function declaredEntities(part: DocumentPart): readonly Entity[] {
  return entities.filter(({ name, inWorkspace }) =>
    part === 'roles' ? ofRoles.has(name) : isOfGateway(name, inWorkspace),
  )
}

const isOfGateway = (name: string, inWorkspace: boolean): boolean =>
  (inWorkspace && !ofRoles.has(name)) || name === 'ca-certificate'

/** The kind that a document calls so, at its top or under another one. */
export function entityDeclaredAs(
  name: string,
  part: DocumentPart,
  under?: Entity,
): Entity | undefined {
  const declared = under?.name === 'role' ? rolesNames[name] : undefined
  return declaredEntities(part).find(
    (entity) =>
      (entity.name === declared || nameInDocument(entity) === name) &&
      (under === undefined || Object.values(entity.refersTo).includes(under.name)),
  )
}

const rolesNames: Readonly<Record<string, string>> = {
  endpoint_permissions: 'endpoint-permission',
  entity_permissions: 'entity-permission',
}

/** What a document calls a kind: RBAC has underscores where paths have slashes. */
export const nameInDocument = (entity: Entity): string => {
  const ownName = Object.entries(rolesNames).find(([, name]) => name === entity.name)?.[0]
  return ownName ?? declaredName(entity).replaceAll(/[/-]/g, '_')
}

/** The field by which an entity of one kind stands under one of another. */
export function fieldUnder(entity: Entity, parent: Entity): string {
  const fields = Object.entries(entity.refersTo).filter(([, name]) => name === parent.name)
  const own = fields.find(([field]) => field === entity.belongsTo)
  return (own ?? fields[0])?.[0] ?? parent.name
}
