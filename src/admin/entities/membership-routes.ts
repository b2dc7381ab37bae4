import { entityNamed, type Entity, type EntityName } from '../../entities/entities.ts'
import { notFound, schemaViolation, unresolvedReference } from '../../entities/kong-problem.ts'
import type { Operation } from '../../entities/operation.ts'
import type { Action } from '../../entities/action.ts'
import { referenceIn, type Entry } from '../../entities/entry.ts'
import {
  parentOf,
  type AdminRoute,
  type Asked,
  type Located,
  type Locating,
} from '../admin-route.ts'
import { pathOf, segmentOf } from './entity-paths.ts'
import { filled } from './collection-route.ts'
import { locateParent } from './locate-parent.ts'
import { bodyIn, makeChange } from './make-change.ts'
import { mayReadEntry } from './may-read-entry.ts'
import { buildPage, pageRequest } from './page.ts'
import { presentTo } from './present-entry.ts'

/** One side of membership: from the entity in the path to those on the other side. */
type Side = {
  /** Entity in the path, and the field by which a membership refers to it. */
  readonly near: readonly [entity: EntityName, field: string]
  /** Entity on the other side, its field, and the name in a body by which one is given. */
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

/** Which consumers are in which groups, to be read and changed from either side, as in Kong. */
export const membershipRoutes: readonly AdminRoute[] = [ofGroup, ofConsumer].flatMap((side) => [
  listRoute(side),
  memberRoute(side),
])

/** The others of the entity in the path, in order of id, as far as the principal may read them. */
export function membersOf(asked: Asked, near: 'consumer-group' | 'consumer'): Entry[] {
  const side = near === 'consumer' ? ofConsumer : ofGroup
  const [entity, field] = side.far
  const { configuration, place } = asked
  return membershipsOf(side, asked)
    .flatMap((membership) => {
      const at = referenceIn(membership, field) ?? ''
      return configuration.find({ entity, workspace: place.id, at }) ?? []
    })
    .filter((entry) => mayReadEntry(asked, entity, entry))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
}

function listRoute(side: Side): AdminRoute {
  const { path, far } = wordsOf(side)
  const [nearName] = side.near
  return {
    path,
    isFiltered: true,
    locate: (locating) => locateMembers(side, path, locating),
    methods: {
      async GET(asked) {
        const entries = membersOf(asked, nearName as 'consumer')
        if (asked.refusal !== undefined && entries.length === 0) throw asked.refusal
        const page = buildPage(entries, pageRequest(asked.request, true), (entry) =>
          presentTo(asked, far, entry),
        )
        // Before 3.5 Kong called the list by what is in it; clients of that time still look there.
        return { ...page, [far.plural]: page.data }
      },
      async POST(asked) {
        const others = othersNamed(side, asked)
        const check = {
          ...asked.check,
          aliases: [
            ...(asked.check.aliases ?? []),
            ...others.map((other) => doorOn(side, asked, other, 'create')),
          ],
        }
        const operations = others.map((other): Operation => ({
          kind: 'create',
          entity: 'group-member',
          workspace: asked.place.id,
          body: {
            [side.near[1]]: { id: parentOf(asked, nearName).id },
            [side.far[1]]: { id: other.id },
          },
        }))
        await makeChange({ ...asked, check }, operations, 201)
        void asked.reply.code(201)
        return {
          [side.near[1]]: presentTo(asked, entityNamed(nearName), parentOf(asked, nearName)),
          [far.plural]: others.map((other) => presentTo(asked, far, other)),
        }
      },
      async DELETE(asked) {
        await makeChange(asked, membershipsOf(side, asked).map(removal), 204)
        void asked.reply.code(204)
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
    locate(locating) {
      const located = locateMembers(side, path, locating)
      const { configuration, place, params } = locating
      const at = params['item'] ?? ''
      const other = configuration.find({ entity: far.name, workspace: place.id, at })
      const isMember =
        other !== undefined &&
        located.parent !== undefined &&
        membershipsOf(side, { configuration, place, parent: located.parent }).some(
          (membership) => referenceIn(membership, side.far[1]) === other.id,
        )
      return isMember ? { ...located, entry: other } : located
    },
    methods: {
      async GET(asked) {
        const { entry } = asked
        if (entry === undefined || !mayReadEntry(asked, far.name, entry)) throw notFound()
        return presentTo(asked, far, entry)
      },
      async DELETE(asked) {
        const { entry } = asked
        if (entry === undefined) throw notFound()
        const check = {
          ...asked.check,
          aliases: [...(asked.check.aliases ?? []), doorOn(side, asked, entry, 'delete')],
        }
        const own = membershipsOf(side, asked).filter(
          (membership) => referenceIn(membership, side.far[1]) === entry.id,
        )
        await makeChange({ ...asked, check }, own.map(removal), 204)
        void asked.reply.code(204)
        return undefined
      },
    },
  }
}

function wordsOf({ near, far }: Side) {
  const other = entityNamed(far[0])
  return { path: `/${entityNamed(near[0]).plural}/:parent/${other.plural}`, far: other }
}

function locateMembers(side: Side, path: string, locating: Locating): Located {
  const [entity, field] = side.near
  const { parent, alias } = locateParent(locating, { field, entity })
  const { place, params, action } = locating
  const segment = parent === undefined ? (params['parent'] ?? '') : segmentOf(entity, parent)
  const ask = { workspace: place, path: filled(path, { ...params, parent: segment }), action }
  return { check: { ask, aliases: [alias] }, parent, isLost: parent === undefined }
}

const membershipsOf = (
  { near }: Side,
  { configuration, place, parent }: Pick<Asked, 'configuration' | 'place' | 'parent'>,
): Entry[] =>
  configuration.list({
    entity: 'group-member',
    workspace: place.id,
    within: { field: near[1], id: parent?.id ?? '' },
  })

/** The same change as it would be asked for from the other side, where a rule may forbid it. */
function doorOn(side: Side, { place, parent }: Asked, other: Entry, action: Action) {
  const [near, far] = [entityNamed(side.near[0]), entityNamed(side.far[0])]
  const path = `/${far.plural}${pathOf(segmentOf(far.name, other))}/${near.plural}`
  const item =
    action === 'create' ? '' : pathOf(segmentOf(near.name, parentOf({ parent }, near.name)))
  return { workspace: place, path: `${path}${item}`, action }
}

/** Those whom a body names, by id or key. One that may not be read is as if it were not there. */
function othersNamed({ far: [entity, field, given] }: Side, asked: Asked): Entry[] {
  const value = bodyIn(asked)[given]
  const names: unknown[] = Array.isArray(value) ? (value as unknown[]) : [value]
  return names.map((name) => {
    if (typeof name !== 'string' || name === '') {
      throw schemaViolation({
        [given]: name === undefined ? 'required field missing' : 'expected a string',
      })
    }
    const { configuration, place } = asked
    const found = configuration.find({ entity, workspace: place.id, at: name })
    if (found !== undefined && mayReadEntry(asked, entity, found)) return found
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
