import { notFound } from '../../entities/kong-problem.ts'
import type { Operation } from '../../entities/operation.ts'
import { uuidv4 } from '../../lib/ids.ts'
import { entityNamed, type Entity, type EntityName } from '../../entities/entities.ts'
import type { Action } from '../../entities/action.ts'
import { referenceIn, type Entry } from '../../entities/entry.ts'
import type { AdminRoute, RequestContext, Located, PathContext } from '../admin-route.ts'
import {
  buildAsk,
  permissionWorkspace,
  canonicalPath,
  entrySegment,
} from '../../control/entity-paths.ts'
import { fillPath } from './collection-route.ts'
import { entityBody } from './entity-body.ts'
import { changeOne, makeChange } from './make-change.ts'
import { presentTo } from './present-entry.ts'

/** A route such as `/routes/:item/service`. */
export type ReferenceShape = {
  readonly path: string
  readonly holder: Entity
  readonly field: string
  readonly target: EntityName
}

/** Reads, patches and replaces the entity that a reference points to. */
export function referenceRoute(shape: ReferenceShape): AdminRoute {
  const target = entityNamed(shape.target)
  const answer = (context: RequestContext, entry: Entry | undefined): unknown => {
    if (entry === undefined) throw notFound()
    return presentTo(context, target, entry)
  }
  return {
    path: shape.path,
    shows: { entity: target, as: 'one' },
    locate: (context) => locateReferenced(shape, context),
    methods: {
      GET: async (context) => answer(context, context.entry),
      async PATCH(context) {
        if (context.entry === undefined) throw notFound()
        const operation = operationOn('update', target, context, context.entry.id)
        return answer(context, (await changeOne(context, operation, 200)).after)
      },
      async PUT(context) {
        const operations = putOperations(shape, target, context)
        const { outcomes } = await makeChange(context, operations, 200)
        return answer(context, outcomes[0]?.after)
      },
    },
  }
}

function locateReferenced(shape: ReferenceShape, context: PathContext): Located {
  const { configuration, workspaceRef, params, action } = context
  const { holder, field, target } = shape
  const at = params['item'] ?? ''
  const parent = configuration.find({ entity: holder.name, workspace: workspaceRef.id, at })
  const id = parent === undefined ? undefined : referenceIn(parent, field)
  const entry =
    id === undefined
      ? undefined
      : configuration.find({ entity: target, workspace: workspaceRef.id, at: id })
  const segment = parent === undefined ? at : entrySegment(holder.name, parent)
  const scope = permissionWorkspace(target, workspaceRef, id, entry)
  const own = entry === undefined ? undefined : entrySegment(target, entry)
  const isCreation = context.method === 'PUT' && entry === undefined
  const ofHolder = (context: Action) =>
    buildAsk(holder.name, parent, workspaceRef, canonicalPath(holder.name, segment), context)
  return {
    check: {
      ask: buildAsk(target, entry, scope, fillPath(shape.path, { item: segment }), action),
      aliases: [
        ofHolder('read'),
        buildAsk(target, entry, scope, canonicalPath(target, own), action),
      ],
      alsoRequired: isCreation
        ? [ofHolder('update'), { workspace: scope, path: canonicalPath(target), action: 'create' }]
        : [],
    },
    entry,
    parent,
    isLost: parent === undefined,
  }
}

const operationOn = (
  kind: Operation['kind'],
  target: Entity,
  context: RequestContext,
  at: string,
): Operation => ({
  kind,
  entity: target.name,
  workspace: target.inWorkspace ? context.workspaceRef.id : null,
  at,
  body: entityBody(context, target),
})

/** PUT on an empty reference creates the entity and sets the reference. */
function putOperations(
  shape: ReferenceShape,
  target: Entity,
  context: RequestContext,
): Operation[] {
  const { entry, parent, workspaceRef } = context
  if (entry !== undefined) return [operationOn('replace', target, context, entry.id)]
  if (parent === undefined) throw notFound()
  const id = uuidv4()
  return [
    operationOn('replace', target, context, id),
    {
      kind: 'update',
      entity: shape.holder.name,
      workspace: workspaceRef.id,
      at: parent.id,
      body: { [shape.field]: { id } },
    },
  ]
}
