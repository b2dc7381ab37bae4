import type { Configuration } from '../control/configuration.ts'
import { refusalOf, rightsWithoutEntities } from '../control/permit.ts'
import { entities, type Entity } from '../entities/entities.ts'
import type { Entry } from '../entities/entry.ts'
import { uuidPattern } from '../entities/fields.ts'
import { idTaken, notFound, notUnique } from '../entities/kong-problem.ts'
import { Problem } from '../lib/problem.ts'
import {
  answerUnserved,
  servedMethod,
  type AdminRoute,
  type Located,
  type PathContext,
} from './admin-route.ts'

/**
 * The answer to a refused request. Where the path refers to an entity that the principal may not read, it is the answer
 * to the same path without such an entity, so that it discloses neither the existence of the entity nor its other name.
 */
export function answerRefused(
  route: AdminRoute,
  context: PathContext,
  located: Located,
  refusal: Problem,
): Problem {
  const { configuration, principal } = context
  const rights = configuration.rightsOf(principal)
  if (rights === undefined || !isHidden(context, located)) return refusal
  const absent = route.locate({ ...context, configuration: withoutEntities(configuration) })
  const record = refusal.record ?? refusal.message
  const told = refusalOf(rightsWithoutEntities(rights), absent.check)
  if (told !== undefined) return told.withRecord(record)
  return absent.isLost === true
    ? notFound().withRecord(record)
    : answerAbsent(route, context, record)
}

/** Whether a path refers to an entity that the principal may not read. */
export const isHidden = (context: PathContext, { entry, parent }: Located): boolean =>
  isUnreadable(context, entry) || isUnreadable(context, parent)

/** Refuses access under an entity that the principal may not read: a list would disclose its id and name. */
export function refuseUnderHidden(context: PathContext, { parent }: Located): Problem | undefined {
  if (parent === undefined || parent.workspace === null || !isUnreadable(context, parent))
    return undefined
  const record = 'The entity that the path begins with may not be read.'
  return new Problem('control.hidden', 403, record, { record })
}

function isUnreadable(
  { configuration, principal }: PathContext,
  entry: Entry | undefined,
): boolean {
  const all = configuration.current().entries
  const kind = entities.find(({ name }) => entry && all.get(name)?.get(entry.id) === entry)
  if (entry === undefined || kind === undefined) return false
  return !configuration.readerFor(principal).mayRead(kind.name, entry)
}

/** A configuration in which a path finds nothing. */
export const withoutEntities = (configuration: Configuration): Configuration => ({
  ...configuration,
  find: () => undefined,
  list: () => [],
})

/** As in Kong, deleting what does not exist succeeds. A taken name cannot be reused, even if its entity is hidden. */
function answerAbsent(route: AdminRoute, { method, params }: PathContext, record: string): Problem {
  const { path, methods, shows } = route
  if (methods[servedMethod(method)] === undefined)
    return answerUnserved(route, method).withRecord(record)
  const entity: Entity | undefined = shows?.as === 'one' ? shows.entity : undefined
  if (entity === undefined || path !== `/${entity.plural}/:item`)
    return notFound().withRecord(record)
  const at = params['item'] ?? ''
  if (method === 'DELETE') return new Problem('admin.absent', 204, '', { record })
  if (method !== 'PUT') return notFound().withRecord(record)
  const taken = uuidPattern.test(at) ? idTaken(at) : notUnique({ [entity.key ?? 'id']: at })
  return taken.withRecord(record)
}
