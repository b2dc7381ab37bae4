import type { Entity } from '../../entities/entities.ts'
import type { ListRequest } from '../../control/list-entries.ts'
import type { AdminRoute, Asked, Located, Locating } from '../admin-route.ts'
import { homeOf, ownPath, pathOf } from './entity-paths.ts'
import { entityBody } from './entity-body.ts'
import { locateParent, type Under } from './locate-parent.ts'
import { changeOne, writtenEntry } from './make-change.ts'
import { readableEntries } from './may-read-entry.ts'
import { buildPage, rangeOf, searchRequest, type ListQuery } from './page.ts'
import { presentTo } from './present-entry.ts'

/** Where a collection is: its path, what it holds, and the entity it stands under. */
export type CollectionShape = {
  readonly path: string
  readonly entity: Entity
  readonly under?: Under
}

/** A list that can be read and added to. */
export function collectionRoute(shape: CollectionShape): AdminRoute {
  return {
    path: shape.path,
    shows: { entity: shape.entity, as: 'list' },
    isFiltered: true,
    locate: (locating) => locateCollection(shape, locating),
    methods: {
      GET: (asked) => readPage(shape, asked),
      POST: (asked) => create(shape, asked),
    },
  }
}

function locateCollection({ path, entity, under }: CollectionShape, locating: Locating): Located {
  const { action, place, params } = locating
  const workspace = homeOf(entity.name, place)
  const check = { ask: { workspace, path: filled(path, params), action } }
  if (under === undefined) return { check, isLost: place.id === '' }
  const { parent, alias } = locateParent(locating, under)
  const aliases = [alias, { workspace, path: ownPath(entity.name), action }]
  return { check: { ...check, aliases }, parent, isLost: parent === undefined }
}

/** A path pattern with its parameters put in. */
export const filled = (path: string, params: Readonly<Record<string, string>>): string =>
  path.replaceAll(/:(\w+)/g, (_, name: string) => pathOf(params[name] ?? '').slice(1))

async function readPage({ entity, under }: CollectionShape, asked: Asked): Promise<unknown> {
  const { configuration, request, parent, place, refusal } = asked
  const list: ListRequest = {
    entity: entity.name,
    workspace: place.id,
    within: under === undefined ? undefined : { field: under.field, id: parent?.id ?? '' },
    where: searchIn(entity, request.query as ListQuery),
  }
  await configuration.prepareList(list)
  if (refusal !== undefined && !hasAny(readableEntries(asked, list))) throw refusal
  const page = searchRequest(asked, entity, under !== undefined)
  const range = { ...list, ...rangeOf(page) }
  await configuration.prepareList(range)
  const entries = readableEntries(asked, range)
  return buildPage(entries, page, (entry) => presentTo(asked, entity, entry))
}

/** Whether there is anything to iterate. */
export function hasAny(rows: Iterable<unknown>): boolean {
  for (const _row of rows) return true
  return false
}

function searchIn({ filters = [] }: Entity, query: ListQuery): ListRequest['where'] {
  const field = filters.find((one) => query[one] !== undefined)
  return field === undefined ? undefined : { field, value: [query[field] ?? ''].flat().join('\0') }
}

async function create({ entity, under }: CollectionShape, asked: Asked): Promise<unknown> {
  const { reply, parent, place } = asked
  const within =
    under === undefined || parent === undefined
      ? {}
      : { within: { field: under.field, id: parent.id } }
  const outcome = await changeOne(
    asked,
    {
      kind: 'create',
      entity: entity.name,
      workspace: entity.inWorkspace ? place.id : null,
      body: entityBody(asked, entity),
      ...within,
    },
    201,
  )
  void reply.code(201)
  const created = writtenEntry({ outcomes: [outcome] }, entity.name)
  return { ...presentTo(asked, entity, created), ...outcome.revealed }
}
