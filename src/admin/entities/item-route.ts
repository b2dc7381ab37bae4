import type { Action } from '../../entities/action.ts'
import type { AccessRequest } from '../../access/rights.ts'
import type { Operation } from '../../entities/operation.ts'
import { notFound } from '../../entities/kong-problem.ts'
import type { Entry } from '../../entities/entry.ts'
import type { AdminRoute, Asked, Located, Locating } from '../admin-route.ts'
import { askAbout, homeOf, ownPath, segmentOf } from './entity-paths.ts'
import { filled, type CollectionShape } from './collection-route.ts'
import { entityBody } from './entity-body.ts'
import { locateParent } from './locate-parent.ts'
import { changeOne } from './make-change.ts'
import { presentTo } from './present-entry.ts'

/** One entity that can be read, put, patched and deleted. `:item` is its id or key. */
export function itemRoute(shape: CollectionShape): AdminRoute {
  const { entity } = shape
  const change = (asked: Asked, kind: Operation['kind'], status: number) =>
    changeOne(asked, { kind, ...addressOf(shape, asked), ...bodyFor(kind, asked, shape) }, status)
  const answer = (asked: Asked, entry: Entry | undefined, revealed = {}): unknown => {
    if (entry === undefined) throw notFound()
    return { ...presentTo(asked, entity, entry), ...revealed }
  }
  return {
    path: shape.path,
    shows: { entity, as: 'one' },
    locate: (locating) => locateItem(shape, locating),
    methods: {
      GET: async (asked) => answer(asked, asked.entry),
      async PUT(asked) {
        const { after, revealed } = await change(asked, 'replace', 200)
        return answer(asked, after, revealed)
      },
      async PATCH(asked) {
        if (asked.entry === undefined) throw notFound()
        const { after, revealed } = await change(asked, 'update', 200)
        return answer(asked, after, revealed)
      },
      async DELETE(asked) {
        await change(asked, 'delete', 204)
        void asked.reply.code(204)
        return undefined
      },
    },
  }
}

const bodyFor = (kind: Operation['kind'], asked: Asked, { entity }: CollectionShape) =>
  kind === 'delete' ? {} : { body: entityBody(asked, entity) }

function addressOf({ entity, under }: CollectionShape, { params, place, parent }: Asked) {
  return {
    entity: entity.name,
    workspace: entity.inWorkspace ? place.id : null,
    at: params['item'] ?? '',
    ...(under === undefined || parent === undefined
      ? {}
      : { within: { field: under.field, id: parent.id } }),
  }
}

/** The item, and its two doors: the path that was asked and its own. To put something where nothing is takes the right to create it too. */
function locateItem(shape: CollectionShape, locating: Locating): Located {
  const { under } = shape
  const { action, method, place } = locating
  const above = under === undefined ? undefined : locateParent(locating, under)
  const entry = findItem(shape, locating, above?.parent)
  const { here, own } = asksAbout(shape, locating, entry)
  const isMaking = method === 'PUT' && entry === undefined
  return {
    check: {
      ask: here(action),
      aliases: above === undefined ? [] : [above.alias, own(action)],
      alsoRequired: isMaking ? [here('create')] : [],
    },
    entry,
    parent: above?.parent,
    isLost: under === undefined ? place.id === '' : above?.parent === undefined,
  }
}

function findItem(
  { entity, under }: CollectionShape,
  { configuration, place, params }: Locating,
  parent: Entry | undefined,
): Entry | undefined {
  const within = under === undefined ? undefined : { field: under.field, id: parent?.id ?? '' }
  const at = params['item'] ?? ''
  return configuration.find({ entity: entity.name, workspace: place.id, at, within })
}

function asksAbout(
  { path, entity }: CollectionShape,
  { place, params }: Locating,
  entry: Entry | undefined,
): Record<'here' | 'own', (action: Action) => AccessRequest> {
  const at = params['item'] ?? ''
  const item = entry === undefined ? at : segmentOf(entity.name, entry)
  const home = homeOf(entity.name, place, at, entry)
  const ask = (asked: string) => (action: Action) =>
    askAbout(entity.name, entry, home, asked, action)
  return { here: ask(filled(path, { ...params, item })), own: ask(ownPath(entity.name, item)) }
}
