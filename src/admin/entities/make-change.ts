import type { AccessRequest } from '../../access/rights.ts'
import type { Change } from '../../control/change-configuration.ts'
import { entityNamed, type Entity, type EntityName } from '../../entities/entities.ts'
import type { Entry } from '../../entities/entry.ts'
import { uuidv4 } from '../../lib/ids.ts'
import type { Body } from '../../entities/hooks.ts'
import type { Operation, Outcome } from '../../entities/operation.ts'
import { readableLookup } from '../../control/reader.ts'
import type { AuditRecord } from '../../schema/audit-record.ts'
import { Problem } from '../../lib/problem.ts'
import type { RequestContext } from '../admin-route.ts'
import { redactAdminPath } from '../http/redact-path.ts'
import { canonicalPath } from '../../control/entity-paths.ts'

/** All operations are applied, or none. */
export function makeChange(
  { configuration, principal, check, request }: RequestContext,
  operations: readonly Operation[],
  status: number,
): Promise<Change> {
  return configuration.change({
    principal,
    check,
    origin: originOf(request, check.ask, configuration),
    operations,
    status,
  })
}

export async function changeOne(
  context: RequestContext,
  operation: Operation,
  status: number,
): Promise<Outcome> {
  const { operations, aliases } = expandOperation(context, operation)
  const { skip_hash: skip } = context.request.query as Record<string, unknown>
  // decK copies credentials of which it has only hashes.
  const isHashed = ({ entity }: Operation): boolean =>
    skip === 'true' && (entityNamed(entity) as Entity).acceptsHashes !== undefined
  const all = operations.map((one) => (isHashed(one) ? { ...one, isHashed: true } : one))
  const { check } = context
  const full = { ...check, aliases: [...(check.aliases ?? []), ...aliases] }
  const { outcomes } = await makeChange({ ...context, check: full }, all, status)
  return outcomes[0] as Outcome
}

/** Expands an operation, and returns the canonical paths of the added operations for the access check. */
function expandOperation(
  { configuration, principal, workspaceRef }: RequestContext,
  operation: Operation,
): { readonly operations: readonly Operation[]; readonly aliases: readonly AccessRequest[] } {
  const entity: Entity = entityNamed(operation.entity)
  if (entity.expandOperation === undefined) return { operations: [operation], aliases: [] }
  const { at, workspace } = operation
  const known =
    at === undefined ? undefined : configuration.find({ entity: entity.name, workspace, at })
  const lookup = readableLookup(configuration.lookup, configuration.readerFor(principal))
  const expanded = entity.expandOperation(operation, { known, lookup, newId: uuidv4 })
  return {
    operations: expanded.operations as readonly Operation[],
    aliases: expanded.aliases.map((alias) => ({
      workspace: workspaceRef,
      path: canonicalPath(alias.entity.name as EntityName, alias.at),
      action: alias.action,
    })),
  }
}

export function writtenEntry<K extends EntityName>(
  { outcomes }: Pick<Change, 'outcomes'>,
  _kind: K,
): Entry<K> {
  const after = outcomes[0]?.after
  if (after === undefined) throw new TypeError('the change wrote no entry')
  return after as Entry<K>
}

/** The path is that of the access check, in which secret keys are replaced by ids or redacted. */
export const originOf = (
  request: RequestContext['request'],
  ask?: AccessRequest,
  configuration?: RequestContext['configuration'],
): Pick<AuditRecord, 'requestId' | 'address' | 'method' | 'path'> => ({
  requestId: request.id,
  address: request.ip,
  method: request.method,
  path: redactAdminPath(
    ask?.path ?? request.url.split('?', 1)[0] ?? '',
    request,
    configuration,
    ask?.workspace.id,
  ),
})

/** An absent body is an empty object. */
export function bodyFields({ request: { body } }: Pick<RequestContext, 'request'>): Body {
  if (body === undefined || body === null) return {}
  if (typeof body === 'object' && !Array.isArray(body)) return body as Body
  throw new Problem('admin.body', 400, 'Cannot parse JSON body')
}
