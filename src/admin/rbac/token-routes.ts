import { z } from 'zod'
import { schemaViolation } from '../../entities/kong-problem.ts'
import type { Operation } from '../../entities/operation.ts'
import type { Entry } from '../../entities/entry.ts'
import { entityNamed } from '../../entities/entities.ts'
import { violationsOf } from '../../entities/violations.ts'
import {
  entryOf,
  parentOf,
  type AdminRoute,
  type Asked,
  type Located,
  type Locating,
} from '../admin-route.ts'
import { pathOf } from '../entities/entity-paths.ts'
import { collectionRoute } from '../entities/collection-route.ts'
import { itemRoute } from '../entities/item-route.ts'
import { locateParent } from '../entities/locate-parent.ts'
import { bodyIn, makeChange, writtenEntry } from '../entities/make-change.ts'
import { presentEntry, secondsOf } from '../entities/present-entry.ts'

const token = entityNamed('token')
const path = '/rbac/users/:parent/tokens'
const under = { field: 'principal', entity: 'principal' } as const

/** The tokens of a principal, with when each was last used, and their rotation. */
export function tokenRoutes(): AdminRoute[] {
  const item = itemRoute({ path: `${path}/:item`, entity: token, under })
  return [withUses(collectionRoute({ path, entity: token, under })), withUses(item), rotationRoute]
}

/** Every answer that shows a token tells when and from where it was last used. */
function withUses(route: AdminRoute): AdminRoute {
  const methods = Object.entries(route.methods).map(([name, answer]) => [
    name,
    name === 'DELETE' ? answer : async (asked: Asked) => addUses(asked, await answer(asked)),
  ])
  return { ...route, methods: Object.fromEntries(methods) as AdminRoute['methods'] }
}

type Shown = Readonly<Record<string, unknown>> & { readonly id?: string }

async function addUses({ configuration }: Asked, answer: unknown): Promise<unknown> {
  const page = answer as { readonly data?: readonly Shown[] }
  const shown = page.data ?? [answer as Shown]
  const uses = await configuration.tokenUses.find(shown.map(({ id = '' }) => id))
  const told = shown.map((one) => {
    const use = uses.get(one.id ?? '')
    return {
      ...one,
      last_used_at: use === undefined ? null : Math.floor(use.time / 1000),
      last_used_from: use?.address ?? null,
    }
  })
  return page.data === undefined ? told[0] : { ...page, data: told }
}

const longest = 30 * 24 * 3600

const rotation = z.strictObject({
  overlap: z.int().min(0).max(longest).default(3600),
  expires_at: z.int().min(0).nullable().default(null),
})

/** A new token in place of another, which goes on for a while so that whoever uses it can change over. */
const rotationRoute: AdminRoute = {
  path: `${path}/:item/rotate`,
  locate: locateToken,
  methods: {
    async POST(asked) {
      const { configuration } = asked
      const entry = entryOf(asked, 'token')
      const parsed = rotation.safeParse(bodyIn(asked))
      if (!parsed.success) throw schemaViolation(violationsOf(parsed.error))
      const ends = endOf(entry, secondsOf(configuration) + parsed.data.overlap)
      const principal = { id: parentOf(asked, 'principal').id }
      const made = await makeChange(
        asked,
        [
          {
            kind: 'create',
            entity: 'token',
            workspace: null,
            body: { principal, name: entry.fields.name, expires_at: parsed.data.expires_at },
          },
          change(entry, { expires_at: ends }),
        ],
        201,
      )
      void asked.reply.code(201)
      return {
        ...presentEntry(token, writtenEntry(made, 'token')),
        ...made.outcomes[0]?.revealed,
        replaces: { id: entry.id, expires_at: ends },
      }
    },
  },
}

const change = (entry: Entry<'token'>, body: Operation['body'] = {}): Operation => ({
  kind: 'update',
  entity: 'token',
  workspace: null,
  at: entry.id,
  body,
})

/** A rotation never lets a token live longer than it would have. */
function endOf(entry: Entry<'token'>, wanted: number): number {
  const present = entry.fields.expires_at
  return present === null ? wanted : Math.min(present, wanted)
}

function locateToken(locating: Locating): Located {
  const { configuration, params, action } = locating
  const { parent, alias } = locateParent(locating, under)
  const within = { field: 'principal', id: parent?.id ?? '' }
  const at = params['item'] ?? ''
  const entry = configuration.find({ entity: 'token', workspace: null, at, within })
  const ask = {
    workspace: alias.workspace,
    path: `${alias.path}/tokens${pathOf(at, 'rotate')}`,
    action,
  }
  const own = { ...ask, path: `${alias.path}/tokens${pathOf(at)}`, action: 'update' as const }
  return { check: { ask, aliases: [alias, own] }, entry, parent, isLost: parent === undefined }
}
