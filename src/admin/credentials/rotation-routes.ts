import { z } from 'zod'
import { buildPath } from '../../access/path.ts'
import {
  buildAsk,
  canonicalPath,
  entrySegment,
  permissionWorkspace,
} from '../../control/entity-paths.ts'
import { entities, entityNamed, type Entity } from '../../entities/entities.ts'
import type { Entry } from '../../entities/entry.ts'
import { notFound, schemaViolation } from '../../entities/kong-problem.ts'
import type { Operation } from '../../entities/operation.ts'
import { violationsOf } from '../../entities/violations.ts'
import { randomSecret } from '../../lib/ids.ts'
import type { AdminRoute, Located, PathContext, RequestContext } from '../admin-route.ts'
import { locateParent } from '../entities/locate-parent.ts'
import { bodyFields, makeChange, writtenEntry } from '../entities/make-change.ts'
import { presentTo, secondsOf } from '../entities/present-entry.ts'
import { isSecretSegment } from '../http/redact-path.ts'

/** `POST …/{credential}/rotate` for every kind of credential that has a secret. */
export const rotationRoutes = (): AdminRoute[] =>
  (entities as readonly Entity[])
    .filter(({ credential }) => credential?.rotate !== undefined)
    .map(rotationRoute)

const year = 366 * 24 * 3600

const rotation = z.strictObject({
  secret: z.string().min(1).optional(),
  overlap: z.int().min(0).max(year).default(3600),
  ttl: z.int().min(0).optional(),
})

/** Sets a new secret, answers it once, and lets the old one expire after `overlap` seconds. */
function rotationRoute(entity: Entity): AdminRoute {
  const field = entity.belongsTo ?? ''
  const under = { field, entity: entityNamed(entity.refersTo[field] as Entity['name']).name }
  const list = `/${entityNamed(under.entity).plural}/:parent/${entity.nestedAs ?? entity.plural}`
  return {
    path: `${list}/:item/rotate`,
    statuses: { POST: 201 },
    locate: (context) => locate(entity, under, context),
    methods: { POST: (context) => rotate(entity, context) },
  }
}

async function rotate(entity: Entity, context: RequestContext): Promise<unknown> {
  const { entry } = context
  if (entry === undefined) throw notFound()
  const parsed = rotation.safeParse(bodyFields(context))
  if (!parsed.success) throw schemaViolation(violationsOf(parsed.error))
  const now = secondsOf(context.configuration)
  let secret = parsed.data.secret
  const newSecret = (): string => (secret = randomSecret(24))
  const operations = entity.credential?.rotate?.(entry, { ...parsed.data, now, newSecret }) ?? []
  const change = await makeChange(context, operations as readonly Operation[], 201)
  const written = writtenEntry(change, entity.name) as Entry
  const ends = now + parsed.data.overlap
  const expires = entity.credential?.times(entry).expiresAt ?? ends
  return {
    ...presentTo(context, entity, written),
    secret,
    replaces: { id: entry.id, expires_at: Math.min(ends, expires) },
  }
}

/** A rotation needs the right to update the credential, and where it makes another one, to create it. */
function locate(
  entity: Entity,
  under: Parameters<typeof locateParent>[1],
  context: PathContext,
): Located {
  const { configuration, params, workspaceRef, action } = context
  const onOld = action === 'create' ? 'update' : action
  const { parent, alias } = locateParent(context, under)
  const within = { field: under.field, id: parent?.id ?? '' }
  const at = params['item'] ?? ''
  const entry = configuration.find({ entity: entity.name, workspace: workspaceRef.id, at, within })
  const unknown = isSecretSegment(entity, at) ? 'REDACTED' : at
  const item = entry === undefined ? unknown : entrySegment(entity.name, entry)
  const scope = permissionWorkspace(entity.name, workspaceRef, at, entry)
  const ask = (path: string, of: typeof action) => buildAsk(entity.name, entry, scope, path, of)
  const nested = `${alias.path}/${entity.nestedAs ?? entity.plural}${buildPath(item)}`
  const own = canonicalPath(entity.name, item)
  return {
    check: {
      ask: ask(`${nested}/rotate`, action),
      aliases: [alias, ask(nested, onOld), ask(own, onOld)],
      ...(entity.credential?.hasSuccessor === true && action === 'create'
        ? {
            alsoRequired: [
              { workspace: scope, path: canonicalPath(entity.name), action: 'create' as const },
            ],
          }
        : {}),
    },
    entry,
    parent,
    isLost: parent === undefined,
  }
}
