import type { Action } from '../../entities/action.ts'
import type { AccessRequest } from '../../access/rights.ts'
import type { Operation } from '../../entities/operation.ts'
import { notFound } from '../../entities/kong-problem.ts'
import type { Entry } from '../../entities/entry.ts'
import type { AdminRoute, RequestContext, Located, PathContext } from '../admin-route.ts'
import {
  buildAsk,
  permissionWorkspace,
  canonicalPath,
  entrySegment,
} from '../../control/entity-paths.ts'
import { fillPath, type CollectionShape } from './collection-route.ts'
import { entityBody } from './entity-body.ts'
import { locateParent } from './locate-parent.ts'
import { isSecretSegment } from '../http/redact-path.ts'
import { changeOne } from './make-change.ts'
import { presentTo } from './present-entry.ts'

/** `:item` is the id or key of the entity. */
export function itemRoute(shape: CollectionShape): AdminRoute {
  const { entity } = shape
  const change = (context: RequestContext, kind: Operation['kind'], status: number) =>
    changeOne(
      context,
      { kind, ...itemAddress(shape, context), ...bodyFor(kind, context, shape) },
      status,
    )
  const answer = (context: RequestContext, entry: Entry | undefined, revealed = {}): unknown => {
    if (entry === undefined) throw notFound()
    return { ...presentTo(context, entity, entry), ...revealed }
  }
  return {
    path: shape.path,
    shows: { entity, as: 'one' },
    locate: (context) => locateItem(shape, context),
    methods: {
      GET: async (context) => answer(context, context.entry),
      async PUT(context) {
        const { after, revealed } = await change(context, 'replace', 200)
        return answer(context, after, revealed)
      },
      async PATCH(context) {
        if (context.entry === undefined) throw notFound()
        const { after, revealed } = await change(context, 'update', 200)
        return answer(context, after, revealed)
      },
      async DELETE(context) {
        await change(context, 'delete', 204)
        return undefined
      },
    },
  }
}

const bodyFor = (kind: Operation['kind'], context: RequestContext, { entity }: CollectionShape) =>
  kind === 'delete' ? {} : { body: entityBody(context, entity) }

function itemAddress(
  { entity, under }: CollectionShape,
  { params, workspaceRef, parent }: RequestContext,
) {
  return {
    entity: entity.name,
    workspace: entity.inWorkspace ? workspaceRef.id : null,
    at: params['item'] ?? '',
    ...(under === undefined || parent === undefined
      ? {}
      : { within: { field: under.field, id: parent.id } }),
  }
}

/** Checks the requested path and the canonical path of the item. PUT also requires `create` when the item does not exist. */
function locateItem(shape: CollectionShape, context: PathContext): Located {
  const { under } = shape
  const { action, method, workspaceRef } = context
  const above = under === undefined ? undefined : locateParent(context, under)
  const entry = findItem(shape, context, above?.parent)
  const { here, own } = buildAsks(shape, context, entry)
  const isCreation = method === 'PUT' && entry === undefined
  return {
    check: {
      ask: here(action),
      aliases: above === undefined ? [] : [above.alias, own(action)],
      alsoRequired: isCreation ? [here('create')] : [],
    },
    entry,
    parent: above?.parent,
    isLost: under === undefined ? workspaceRef.id === '' : above?.parent === undefined,
  }
}

function findItem(
  { entity, under }: CollectionShape,
  { configuration, workspaceRef, params }: PathContext,
  parent: Entry | undefined,
): Entry | undefined {
  const within = under === undefined ? undefined : { field: under.field, id: parent?.id ?? '' }
  const at = params['item'] ?? ''
  return configuration.find({ entity: entity.name, workspace: workspaceRef.id, at, within })
}

function buildAsks(
  { path, entity }: CollectionShape,
  { workspaceRef, params }: PathContext,
  entry: Entry | undefined,
): Record<'here' | 'own', (action: Action) => AccessRequest> {
  const at = params['item'] ?? ''
  const unknown = isSecretSegment(entity, at) ? 'REDACTED' : at
  const item = entry === undefined ? unknown : entrySegment(entity.name, entry)
  const scope = permissionWorkspace(entity.name, workspaceRef, at, entry)
  const ask = (path: string) => (action: Action) =>
    buildAsk(entity.name, entry, scope, path, action)
  return {
    here: ask(fillPath(path, { ...params, item })),
    own: ask(canonicalPath(entity.name, item)),
  }
}
