import {
  listRevisions,
  noRevision,
  planRollback,
  showRevision,
  type Looking,
} from '../../declarative/revisions.ts'
import type { AdminRoute, Asked } from '../admin-route.ts'
import { originOf } from '../entities/make-change.ts'
import { locateAt } from '../entities/schema-routes.ts'
import { configOptions } from './config-options.ts'
import { requiredFor, visibilityFor } from './visibility-for.ts'

/** The history of a workspace or, without one in the path, of all that the principal may know: what each revision did, and the way back to it. */
export const revisionRoutes: readonly AdminRoute[] = [
  {
    path: '/config/revisions',
    locate: (locating) => locateAt('/config/revisions', locating),
    methods: { GET: list },
  },
  {
    path: '/config/revisions/:number',
    locate: (locating) => locateAt('/config/revisions/:number', locating),
    methods: { GET: show },
  },
  {
    path: '/config/revisions/:number/compare',
    locate: (locating) => locateAt('/config/revisions/:number/compare', locating),
    methods: { GET: compare },
  },
  {
    path: '/config/revisions/:number/rollback',
    action: 'update',
    locate: (locating) => locateAt('/config/revisions/:number/rollback', locating),
    methods: { POST: rollBack },
  },
]

async function list(asked: Asked): Promise<unknown> {
  const { size, below } = configOptions(asked)
  const { configuration } = asked
  const data = await listRevisions(configuration, lookingAs(asked), { size, below })
  return { data, current: configuration.current().revision }
}

async function show(asked: Asked): Promise<unknown> {
  const number = numberIn(asked)
  const shown = await showRevision(asked.configuration, lookingAs(asked), number)
  if (shown === undefined) throw noRevision(number)
  return shown
}

/** What would become of the present by going back; changes nothing. */
async function compare(asked: Asked): Promise<unknown> {
  const { configuration } = asked
  const { revision, difference } = await planRollback(
    configuration,
    lookingAs(asked),
    numberIn(asked),
  )
  return { revision, ...difference }
}

async function rollBack(asked: Asked): Promise<unknown> {
  const { configuration, principal, check, request } = asked
  const number = numberIn(asked)
  const { message, revision: seen } = configOptions(asked)
  const { revision, difference, operations } = await planRollback(
    configuration,
    lookingAs(asked),
    number,
  )
  const change = await configuration.change({
    principal,
    check: { ...check, alsoRequired: requiredFor(asked, difference.items) },
    origin: originOf(request, check.ask),
    operations,
    status: 200,
    ifRevision: seen ?? revision,
    message: message ?? `Roll back to revision ${number}`,
  })
  return { revision: change.revision, ...difference }
}

function lookingAs(asked: Asked): Looking {
  const isWithin = asked.params['workspace'] !== undefined
  return { ...visibilityFor(asked), workspace: isWithin ? asked.place.id : undefined }
}

function numberIn({ params }: Asked): number {
  const text = params['number'] ?? ''
  if (!/^\d{1,15}$/.test(text)) throw noRevision(text)
  return Number(text)
}
