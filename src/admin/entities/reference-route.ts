import { notFound } from '../../entities/kong-problem.ts'
import type { Operation } from '../../entities/operation.ts'
import { uuidv4 } from '../../lib/ids.ts'
import { entityNamed, type Entity, type EntityName } from '../../entities/entities.ts'
import type { Action } from '../../entities/action.ts'
import { referenceIn, type Entry } from '../../entities/entry.ts'
import type { AdminRoute, Asked, Located, Locating } from '../admin-route.ts'
import { askAbout, homeOf, ownPath, segmentOf } from './entity-paths.ts'
import { filled } from './collection-route.ts'
import { entityBody } from './entity-body.ts'
import { changeOne, makeChange } from './make-change.ts'
import { presentTo } from './present-entry.ts'

/** The way from an entity to one it refers to, for example `/routes/:item/service`. */
export type ReferenceShape = {
  readonly path: string
  readonly holder: Entity
  readonly field: string
  readonly target: EntityName
}

/** What an entity refers to, to be read, patched and put through it. */
export function referenceRoute(shape: ReferenceShape): AdminRoute {
  const target = entityNamed(shape.target)
  const answer = (asked: Asked, entry: Entry | undefined): unknown => {
    if (entry === undefined) throw notFound()
    return presentTo(asked, target, entry)
  }
  return {
    path: shape.path,
    shows: { entity: target, as: 'one' },
    locate: (locating) => locateReferenced(shape, locating),
    methods: {
      GET: async (asked) => answer(asked, asked.entry),
      async PATCH(asked) {
        if (asked.entry === undefined) throw notFound()
        const operation = operationOn('update', target, asked, asked.entry.id)
        return answer(asked, (await changeOne(asked, operation, 200)).after)
      },
      async PUT(asked) {
        const operations = putOperations(shape, target, asked)
        const { outcomes } = await makeChange(asked, operations, 200)
        return answer(asked, outcomes[0]?.after)
      },
    },
  }
}

function locateReferenced(shape: ReferenceShape, locating: Locating): Located {
  const { configuration, place, params, action } = locating
  const { holder, field, target } = shape
  const at = params['item'] ?? ''
  const parent = configuration.find({ entity: holder.name, workspace: place.id, at })
  const id = parent === undefined ? undefined : referenceIn(parent, field)
  const entry =
    id === undefined
      ? undefined
      : configuration.find({ entity: target, workspace: place.id, at: id })
  const segment = parent === undefined ? at : segmentOf(holder.name, parent)
  const home = homeOf(target, place, id, entry)
  const own = entry === undefined ? undefined : segmentOf(target, entry)
  const isMaking = locating.method === 'PUT' && entry === undefined
  const ofHolder = (asked: Action) =>
    askAbout(holder.name, parent, place, ownPath(holder.name, segment), asked)
  return {
    check: {
      ask: askAbout(target, entry, home, filled(shape.path, { item: segment }), action),
      aliases: [ofHolder('read'), askAbout(target, entry, home, ownPath(target, own), action)],
      alsoRequired: isMaking
        ? [ofHolder('update'), { workspace: home, path: ownPath(target), action: 'create' }]
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
  asked: Asked,
  at: string,
): Operation => ({
  kind,
  entity: target.name,
  workspace: target.inWorkspace ? asked.place.id : null,
  at,
  body: entityBody(asked, target),
})

/** Putting a reference where there is none makes the entity and refers to it. */
function putOperations(shape: ReferenceShape, target: Entity, asked: Asked): Operation[] {
  const { entry, parent, place } = asked
  if (entry !== undefined) return [operationOn('replace', target, asked, entry.id)]
  if (parent === undefined) throw notFound()
  const id = uuidv4()
  return [
    operationOn('replace', target, asked, id),
    {
      kind: 'update',
      entity: shape.holder.name,
      workspace: place.id,
      at: parent.id,
      body: { [shape.field]: { id } },
    },
  ]
}
