import { entityNamed, type Entity, type EntityName } from '../../entities/entities.ts'
import { notFound, schemaViolation, unresolvedReference } from '../../entities/kong-problem.ts'
import type { Operation } from '../../entities/operation.ts'
import type { Action } from '../../entities/action.ts'
import { referenceIn, type Entry } from '../../entities/entry.ts'
import {
  requireParent,
  type AdminRoute,
  type RequestContext,
  type Located,
  type PathContext,
} from '../admin-route.ts'
import { buildPath } from '../../access/path.ts'
import { entrySegment } from '../../control/entity-paths.ts'
import { fillPath } from './collection-route.ts'
import { locateParent } from './locate-parent.ts'
import { bodyFields, makeChange } from './make-change.ts'
import { mayReadEntry } from './may-read-entry.ts'
import { buildPage, pageRequest } from './page.ts'
import { presentTo } from './present-entry.ts'

type Side = {
  /** The entity in the path, and the membership field that refers to it. */
  readonly near: readonly [entity: EntityName, field: string]
  /** The entity on the other side, its membership field, and its parameter in a body. */
  readonly far: readonly [entity: EntityName, field: string, given: string]
}

const ofGroup: Side = {
  near: ['consumer-group', 'consumer_group'],
  far: ['consumer', 'consumer', 'consumer'],
}

const ofConsumer: Side = {
  near: ['consumer', 'consumer'],
  far: ['consumer-group', 'consumer_group', 'group'],
}

/** Memberships of consumers in consumer groups, readable and writable from either side, as in Kong. */
export const membershipRoutes: readonly AdminRoute[] = [ofGroup, ofConsumer].flatMap((side) => [
  listRoute(side),
  memberRoute(side),
])

/** The members on the other side that the principal may read, ordered by id. */
export function membersOf(context: RequestContext, near: 'consumer-group' | 'consumer'): Entry[] {
  const side = near === 'consumer' ? ofConsumer : ofGroup
  const [entity, field] = side.far
  const { configuration, workspaceRef } = context
  return membershipsOf(side, context)
    .flatMap((membership) => {
      const at = referenceIn(membership, field) ?? ''
      return configuration.find({ entity, workspace: workspaceRef.id, at }) ?? []
    })
    .filter((entry) => mayReadEntry(context, entity, entry))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
}

function listRoute(side: Side): AdminRoute {
  const { path, far } = wordsOf(side)
  const [nearName] = side.near
  return {
    path,
    statuses: { POST: 201 },
    isFiltered: true,
    locate: (context) => locateMembers(side, path, context),
    methods: {
      async GET(context) {
        const entries = membersOf(context, nearName as 'consumer')
        if (context.refusal !== undefined && entries.length === 0) throw context.refusal
        const page = buildPage(entries, pageRequest(context.request, true), (entry) =>
          presentTo(context, far, entry),
        )
        // Kong before 3.5 names the list after its entity, and older clients still read it there.
        return { ...page, [far.plural]: page.data }
      },
      async POST(context) {
        const others = requestedMembers(side, context)
        const check = {
          ...context.check,
          aliases: [
            ...(context.check.aliases ?? []),
            ...others.map((other) => aliasFrom(side, context, other, 'create')),
          ],
        }
        const operations = others.map((other): Operation => ({
          kind: 'create',
          entity: 'group-member',
          workspace: context.workspaceRef.id,
          body: {
            [side.near[1]]: { id: requireParent(context, nearName).id },
            [side.far[1]]: { id: other.id },
          },
        }))
        await makeChange({ ...context, check }, operations, 201)
        return {
          [side.near[1]]: presentTo(
            context,
            entityNamed(nearName),
            requireParent(context, nearName),
          ),
          [far.plural]: others.map((other) => presentTo(context, far, other)),
        }
      },
      async DELETE(context) {
        await makeChange(context, membershipsOf(side, context).map(removal), 204)
        return undefined
      },
    },
  }
}

function memberRoute(side: Side): AdminRoute {
  const { path: list, far } = wordsOf(side)
  const path = `${list}/:item`
  return {
    path,
    locate(context) {
      const located = locateMembers(side, path, context)
      const { configuration, workspaceRef, params } = context
      const at = params['item'] ?? ''
      const other = configuration.find({ entity: far.name, workspace: workspaceRef.id, at })
      const isMember =
        other !== undefined &&
        located.parent !== undefined &&
        membershipsOf(side, { configuration, workspaceRef, parent: located.parent }).some(
          (membership) => referenceIn(membership, side.far[1]) === other.id,
        )
      return isMember ? { ...located, entry: other } : located
    },
    methods: {
      async GET(context) {
        const { entry } = context
        if (entry === undefined || !mayReadEntry(context, far.name, entry)) throw notFound()
        return presentTo(context, far, entry)
      },
      async DELETE(context) {
        const { entry } = context
        if (entry === undefined) throw notFound()
        const check = {
          ...context.check,
          aliases: [...(context.check.aliases ?? []), aliasFrom(side, context, entry, 'delete')],
        }
        const own = membershipsOf(side, context).filter(
          (membership) => referenceIn(membership, side.far[1]) === entry.id,
        )
        await makeChange({ ...context, check }, own.map(removal), 204)
        return undefined
      },
    },
  }
}

function wordsOf({ near, far }: Side) {
  const other = entityNamed(far[0])
  return { path: `/${entityNamed(near[0]).plural}/:parent/${other.plural}`, far: other }
}

function locateMembers(side: Side, path: string, context: PathContext): Located {
  const [entity, field] = side.near
  const { parent, alias } = locateParent(context, { field, entity })
  const { workspaceRef, params, action } = context
  const segment = parent === undefined ? (params['parent'] ?? '') : entrySegment(entity, parent)
  const ask = {
    workspace: workspaceRef,
    path: fillPath(path, { ...params, parent: segment }),
    action,
  }
  return { check: { ask, aliases: [alias] }, parent, isLost: parent === undefined }
}

const membershipsOf = (
  { near }: Side,
  {
    configuration,
    workspaceRef,
    parent,
  }: Pick<RequestContext, 'configuration' | 'workspaceRef' | 'parent'>,
): Entry[] =>
  configuration.list({
    entity: 'group-member',
    workspace: workspaceRef.id,
    within: { field: near[1], id: parent?.id ?? '' },
  })

/** The same change through the path of the other side, where a rule may deny it. */
function aliasFrom(
  side: Side,
  { workspaceRef, parent }: RequestContext,
  other: Entry,
  action: Action,
) {
  const [near, far] = [entityNamed(side.near[0]), entityNamed(side.far[0])]
  const path = `/${far.plural}${buildPath(entrySegment(far.name, other))}/${near.plural}`
  const item =
    action === 'create'
      ? ''
      : buildPath(entrySegment(near.name, requireParent({ parent }, near.name)))
  return { workspace: workspaceRef, path: `${path}${item}`, action }
}

/** The entities named in the body, by id or key. An unreadable one is reported as missing. */
function requestedMembers({ far: [entity, field, given] }: Side, context: RequestContext): Entry[] {
  const value = bodyFields(context)[given]
  const names: unknown[] = Array.isArray(value) ? (value as unknown[]) : [value]
  return names.map((name) => {
    if (typeof name !== 'string' || name === '') {
      throw schemaViolation({
        [given]: name === undefined ? 'required field missing' : 'expected a string',
      })
    }
    const { configuration, workspaceRef } = context
    const found = configuration.find({ entity, workspace: workspaceRef.id, at: name })
    if (found !== undefined && mayReadEntry(context, entity, found)) return found
    const { key = 'id', plural }: Entity = entityNamed(entity)
    throw unresolvedReference(field, [key, name], plural)
  })
}

const removal = ({ id, workspace }: Entry): Operation => ({
  kind: 'delete',
  entity: 'group-member',
  workspace,
  at: id,
})
