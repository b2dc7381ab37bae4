import { acl } from './acl.ts'
import { basicAuth } from './basic-auth.ts'
import { caCertificate } from './ca-certificate.ts'
import { certificate } from './certificate.ts'
import { consumerGroup, groupMember } from './consumer-group.ts'
import { consumer } from './consumer.ts'
import type { Entity } from './entity.ts'
import { group, groupRole } from './group.ts'
import { hmacAuth } from './hmac-auth.ts'
import { jwt } from './jwt.ts'
import { keyAuth } from './key-auth.ts'
import { key, keySet } from './key.ts'
import { mtlsAuth } from './mtls-auth.ts'
import { oauth2 } from './oauth2.ts'
import { plugin } from './plugin.ts'
import { grant, principal, token } from './principal.ts'
import { endpointPermission, entityPermission, role } from './role.ts'
import { route } from './route.ts'
import { service } from './service.ts'
import { sni } from './sni.ts'
import { target } from './target.ts'
import { upstream } from './upstream.ts'
import { vault } from './vault.ts'
import { workspace } from './workspace.ts'

/** Every kind of entity, each after those it refers to. API, tables, permissions, declarative files and forms follow from this list. */
export const entities: readonly Entity[] = [
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
]
