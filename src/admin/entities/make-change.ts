import type { AccessRequest } from '../../access/rights.ts'
import type { Change } from '../../control/change-configuration.ts'
import { entityNamed, type Entity, type EntityName } from '../../entities/entities.ts'
import type { Entry } from '../../entities/entry.ts'
import { uuidv4 } from '../../lib/ids.ts'
import type { Body } from '../../entities/hooks.ts'
import type { Operation, Outcome } from '../../entities/operation.ts'
import type { AuditRecord } from '../../schema/audit-record.ts'
import { Problem } from '../../lib/problem.ts'
import type { Asked } from '../admin-route.ts'
import { ownPath } from './entity-paths.ts'

/** Makes the change a request asks for; all operations happen, or none. */
export function makeChange(
  { configuration, principal, check, request }: Asked,
  operations: readonly Operation[],
  status: number,
): Promise<Change> {
  return configuration.change({
    principal,
    check,
    origin: originOf(request, check.ask),
    operations,
    status,
  })
}

/** The outcome of a change that is about one entity. */
export async function changeOne(
  asked: Asked,
  operation: Operation,
  status: number,
): Promise<Outcome> {
  const { operations, aliases } = expandOperation(asked, operation)
  const { skip_hash: skip } = asked.request.query as Record<string, unknown>
  // decK moves credentials of which it knows only the hash.
  const isHashed = ({ entity }: Operation): boolean =>
    skip === 'true' && (entityNamed(entity) as Entity).acceptsHashes !== undefined
  const all = operations.map((one) => (isHashed(one) ? { ...one, isHashed: true } : one))
  const { check } = asked
  const full = { ...check, aliases: [...(check.aliases ?? []), ...aliases] }
  const { outcomes } = await makeChange({ ...asked, check: full }, all, status)
  return outcomes[0] as Outcome
}

/** The operations that one stands for, and the paths at which the others could have been asked for. */
function expandOperation(
  { configuration, place }: Asked,
  operation: Operation,
): { readonly operations: readonly Operation[]; readonly aliases: readonly AccessRequest[] } {
  const entity: Entity = entityNamed(operation.entity)
  if (entity.expandOperation === undefined) return { operations: [operation], aliases: [] }
  const { at, workspace } = operation
  const known =
    at === undefined ? undefined : configuration.find({ entity: entity.name, workspace, at })
  const { lookup } = configuration
  const expanded = entity.expandOperation(operation, { known, lookup, newId: uuidv4 })
  return {
    operations: expanded.operations as readonly Operation[],
    aliases: expanded.aliases.map((alias) => ({
      workspace: place,
      path: ownPath(alias.entity.name as EntityName, alias.at),
      action: alias.action,
    })),
  }
}

/** The entry that an operation wrote. */
export function writtenEntry<K extends EntityName>(
  { outcomes }: Pick<Change, 'outcomes'>,
  _kind: K,
): Entry<K> {
  const after = outcomes[0]?.after
  if (after === undefined) throw new TypeError('the change wrote no entry')
  return after as Entry<K>
}

/** From where a request comes. Its path is the one that was decided about, in which a secret key stands as an id. */
export const originOf = (
  { id, ip, method, url }: Asked['request'],
  ask?: AccessRequest,
): Pick<AuditRecord, 'requestId' | 'address' | 'method' | 'path'> => ({
  requestId: id,
  address: ip,
  method,
  path: ask?.path ?? url.split('?', 1)[0] ?? url,
})

/** The body of a request as named values; nothing is no values. */
export function bodyIn({ request: { body } }: Pick<Asked, 'request'>): Body {
  if (body === undefined || body === null) return {}
  if (typeof body === 'object' && !Array.isArray(body)) return body as Body
  throw new Problem('admin.body', 400, 'Cannot parse JSON body')
}
