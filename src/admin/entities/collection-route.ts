import type { Entity } from '../../entities/entities.ts'
import type { ListRequest } from '../../control/list-entries.ts'
import type { AdminRoute, RequestContext, Located, PathContext } from '../admin-route.ts'
import { buildPath } from '../../access/path.ts'
import { permissionWorkspace, canonicalPath } from '../../control/entity-paths.ts'
import { entityBody } from './entity-body.ts'
import { locateParent, type Under } from './locate-parent.ts'
import { changeOne, writtenEntry } from './make-change.ts'
import { readableEntries } from './may-read-entry.ts'
import { buildPage, rangeOf, searchRequest, type ListQuery } from './page.ts'
import { presentTo } from './present-entry.ts'

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
    statuses: { POST: 201 },
    isFiltered: true,
    locate: (context) => locateCollection(shape, context),
    methods: {
      GET: (context) => readPage(shape, context),
      POST: (context) => create(shape, context),
    },
  }
}

function locateCollection({ path, entity, under }: CollectionShape, context: PathContext): Located {
  const { action, workspaceRef, params } = context
  const workspace = permissionWorkspace(entity.name, workspaceRef)
  const check = { ask: { workspace, path: fillPath(path, params), action } }
  if (under === undefined) return { check, isLost: workspaceRef.id === '' }
  const { parent, alias } = locateParent(context, under)
  const aliases = [alias, { workspace, path: canonicalPath(entity.name), action }]
  return { check: { ...check, aliases }, parent, isLost: parent === undefined }
}

/** A path pattern with its parameters put in. */
export const fillPath = (path: string, params: Readonly<Record<string, string>>): string =>
  path.replaceAll(/:(\w+)/g, (_, name: string) => buildPath(params[name] ?? '').slice(1))

async function readPage(
  { entity, under }: CollectionShape,
  context: RequestContext,
): Promise<unknown> {
  const { configuration, request, parent, workspaceRef, refusal } = context
  const list: ListRequest = {
    entity: entity.name,
    workspace: workspaceRef.id,
    within: under === undefined ? undefined : { field: under.field, id: parent?.id ?? '' },
    where: searchIn(entity, request.query as ListQuery),
  }
  await configuration.prepareList(list)
  if (refusal !== undefined && !hasAny(readableEntries(context, list))) throw refusal
  const page = searchRequest(context, entity, under !== undefined)
  const range = { ...list, ...rangeOf(page) }
  await configuration.prepareList(range)
  const entries = readableEntries(context, range)
  return buildPage(entries, page, (entry) => presentTo(context, entity, entry))
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

async function create(
  { entity, under }: CollectionShape,
  context: RequestContext,
): Promise<unknown> {
  const { parent, workspaceRef } = context
  const within =
    under === undefined || parent === undefined
      ? {}
      : { within: { field: under.field, id: parent.id } }
  const outcome = await changeOne(
    context,
    {
      kind: 'create',
      entity: entity.name,
      workspace: entity.inWorkspace ? workspaceRef.id : null,
      body: entityBody(context, entity),
      ...within,
    },
    201,
  )
  const created = writtenEntry({ outcomes: [outcome] }, entity.name)
  return { ...presentTo(context, entity, created), ...outcome.revealed }
}
