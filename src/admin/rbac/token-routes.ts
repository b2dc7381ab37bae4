import { z } from 'zod'
import { schemaViolation } from '../../entities/kong-problem.ts'
import type { Operation } from '../../entities/operation.ts'
import type { Entry } from '../../entities/entry.ts'
import { entityNamed } from '../../entities/entities.ts'
import { violationsOf } from '../../entities/violations.ts'
import {
  requireEntry,
  requireParent,
  type AdminRoute,
  type RequestContext,
  type Located,
  type PathContext,
} from '../admin-route.ts'
import { buildPath } from '../../access/path.ts'
import { collectionRoute } from '../entities/collection-route.ts'
import { itemRoute } from '../entities/item-route.ts'
import { locateParent } from '../entities/locate-parent.ts'
import { bodyFields, makeChange, writtenEntry } from '../entities/make-change.ts'
import { presentEntry, secondsOf } from '../entities/present-entry.ts'

const token = entityNamed('token')
const path = '/rbac/users/:parent/tokens'
const under = { field: 'principal', entity: 'principal' } as const

export function tokenRoutes(): AdminRoute[] {
  const item = itemRoute({ path: `${path}/:item`, entity: token, under })
  return [
    withLastUse(collectionRoute({ path, entity: token, under })),
    withLastUse(item),
    rotationRoute,
  ]
}

/** Adds `last_used_at` and `last_used_from` to every token in an answer. */
function withLastUse(route: AdminRoute): AdminRoute {
  const methods = Object.entries(route.methods).map(([name, answer]) => [
    name,
    name === 'DELETE'
      ? answer
      : async (context: RequestContext) => addLastUse(context, await answer(context)),
  ])
  return { ...route, methods: Object.fromEntries(methods) as AdminRoute['methods'] }
}

type PresentedToken = Readonly<Record<string, unknown>> & { readonly id?: string }

async function addLastUse({ configuration }: RequestContext, answer: unknown): Promise<unknown> {
  const page = answer as { readonly data?: readonly PresentedToken[] }
  const listed = page.data ?? [answer as PresentedToken]
  const uses = await configuration.tokenUses.find(listed.map(({ id = '' }) => id))
  const tokens = listed.map((one) => {
    const use = uses.get(one.id ?? '')
    return {
      ...one,
      last_used_at: use === undefined ? null : Math.floor(use.time / 1000),
      last_used_from: use?.address ?? null,
    }
  })
  return page.data === undefined ? tokens[0] : { ...page, data: tokens }
}

const maxOverlap = 30 * 24 * 3600

const rotation = z.strictObject({
  overlap: z.int().min(0).max(maxOverlap).default(3600),
  expires_at: z.int().min(0).nullable().default(null),
})

/** Creates a new token and lets the old one expire after `overlap` seconds, so that clients can switch without interruption. */
const rotationRoute: AdminRoute = {
  path: `${path}/:item/rotate`,
  statuses: { POST: 201 },
  locate: locateToken,
  methods: {
    async POST(context) {
      const { configuration } = context
      const entry = requireEntry(context, 'token')
      const parsed = rotation.safeParse(bodyFields(context))
      if (!parsed.success) throw schemaViolation(violationsOf(parsed.error))
      const expiresAt = overlapEnd(entry, secondsOf(configuration) + parsed.data.overlap)
      const principal = { id: requireParent(context, 'principal').id }
      const rotated = await makeChange(
        context,
        [
          {
            kind: 'create',
            entity: 'token',
            workspace: null,
            body: { principal, name: entry.fields.name, expires_at: parsed.data.expires_at },
          },
          updateToken(entry, { expires_at: expiresAt }),
        ],
        201,
      )
      return {
        ...presentEntry(token, writtenEntry(rotated, 'token')),
        ...rotated.outcomes[0]?.revealed,
        replaces: { id: entry.id, expires_at: expiresAt },
      }
    },
  },
}

const updateToken = (entry: Entry<'token'>, body: Operation['body'] = {}): Operation => ({
  kind: 'update',
  entity: 'token',
  workspace: null,
  at: entry.id,
  body,
})

/** A rotation never extends the lifetime of the old token. */
function overlapEnd(entry: Entry<'token'>, requested: number): number {
  const present = entry.fields.expires_at
  return present === null ? requested : Math.min(present, requested)
}

function locateToken(context: PathContext): Located {
  const { configuration, params, action } = context
  const { parent, alias } = locateParent(context, under)
  const within = { field: 'principal', id: parent?.id ?? '' }
  const at = params['item'] ?? ''
  const entry = configuration.find({ entity: 'token', workspace: null, at, within })
  const ask = {
    workspace: alias.workspace,
    path: `${alias.path}/tokens${buildPath(at, 'rotate')}`,
    action,
  }
  const own = { ...ask, path: `${alias.path}/tokens${buildPath(at)}`, action: 'update' as const }
  return { check: { ask, aliases: [alias, own] }, entry, parent, isLost: parent === undefined }
}
