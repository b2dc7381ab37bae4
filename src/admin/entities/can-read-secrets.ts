import type { Entity } from '../../entities/entities.ts'
import type { Entry } from '../../entities/entry.ts'
import type { WorkspaceRef } from '../../control/entity-paths.ts'
import type { RequestContext } from '../admin-route.ts'
import {
  buildAsk,
  permissionWorkspace,
  canonicalPath,
  entrySegment,
} from '../../control/entity-paths.ts'
import { isFromBrowser } from '../authorize.ts'

/** Secrets are readable for readers or only for principals who may update the entry, as `reveals` says. Secrets for writers never go to a browser session, where pages and extensions could read them. */
export function canReadSecrets(
  {
    configuration,
    principal,
    request,
  }: Pick<RequestContext, 'configuration' | 'principal' | 'request'>,
  { name, reveals }: Entity,
  entry: Entry,
  workspaceRef: WorkspaceRef,
): boolean {
  if (reveals !== 'writers') return reveals === 'readers'
  if (isFromBrowser(request)) return false
  const segment = entrySegment(name, entry)
  const scope = permissionWorkspace(name, workspaceRef, segment, entry)
  const ask = buildAsk(name, entry, scope, canonicalPath(name, segment), 'update')
  return configuration.decide(principal, { ask }).allowed
}
