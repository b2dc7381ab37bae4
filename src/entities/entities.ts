import { caCertificate } from './certificates/ca-certificate.ts'
import { certificate, sni } from './certificates/certificate.ts'
import { key, keySet } from './certificates/key.ts'
import { vault } from './certificates/vault.ts'
import { acl } from './credentials/acl.ts'
import { basicAuth } from './credentials/basic-auth.ts'
import { hmacAuth } from './credentials/hmac-auth.ts'
import { jwt } from './credentials/jwt.ts'
import { keyAuth } from './credentials/key-auth.ts'
import { mtlsAuth } from './credentials/mtls-auth.ts'
import { oauth2 } from './credentials/oauth2.ts'
import type { StoredFields } from './declaration.ts'
import type { EntityModule } from './entity.ts'
import { consumerGroup, groupMember } from './gateway/consumer-group.ts'
import { consumer } from './gateway/consumer.ts'
import { partial } from './gateway/partial.ts'
import { plugin } from './gateway/plugin.ts'
import { route } from './gateway/route.ts'
import { service } from './gateway/service.ts'
import { target } from './gateway/target.ts'
import { upstream } from './gateway/upstream.ts'
import { group, groupRole } from './rbac/group.ts'
import { identity } from './rbac/identity.ts'
import { grant, principal, token } from './rbac/principal.ts'
import { endpointPermission, entityPermission, role } from './rbac/role.ts'
import { workspace } from './rbac/workspace.ts'

/** Each entity follows those it refers to. */
const list = [
  workspace,
  certificate,
  sni,
  caCertificate,
  service,
  route,
  consumer,
  consumerGroup,
  groupMember,
  keyAuth,
  basicAuth,
  hmacAuth,
  jwt,
  oauth2,
  mtlsAuth,
  acl,
  upstream,
  target,
  partial,
  plugin,
  vault,
  keySet,
  key,
  role,
  endpointPermission,
  entityPermission,
  principal,
  grant,
  token,
  group,
  groupRole,
  identity,
] as const

type Listed = (typeof list)[number]

export type EntityName = Listed['name']

export type Entity = EntityModule & {
  readonly name: EntityName
  readonly refersTo: Readonly<Record<string, EntityName>>
  readonly refersToMany?: Readonly<Record<string, EntityName>>
}

type Modules = { readonly [M in Listed as M['name']]: M }

type AllFields = { readonly [K in EntityName]: StoredFields<Modules[K]> }

export type Fields<K extends EntityName> = AllFields[K]

/** All entities, each after those it refers to. API, tables, permissions, documents and forms are derived from this list. */
export const entities: readonly Entity[] = list

const byName: ReadonlyMap<string, Entity> = new Map(entities.map((entity) => [entity.name, entity]))

/** Narrows text to an entity name; throws when there is no such entity. */
export function toEntityName(text: string): EntityName {
  const found = byName.get(text)
  if (found === undefined) throw new TypeError(`unknown entity '${text}'`)
  return found.name
}

export function entityNamed<K extends EntityName>(name: K): Modules[K] & Entity {
  return byName.get(toEntityName(name)) as Modules[K] & Entity
}
