import {
  listRevisions,
  noRevision,
  planRollback,
  showRevision,
  type RevisionViewer,
} from '../../declarative/revisions.ts'
import { runBetweenEvents } from '../../lib/cooperative-task.ts'
import type { AdminRoute, RequestContext } from '../admin-route.ts'
import { originOf } from '../entities/make-change.ts'
import { locateAt } from '../entities/schema-routes.ts'
import { configOptions } from './config-options.ts'
import { requiredFor } from './required-for.ts'

/** History of the workspace of the path; without one, of everything that the principal may read. */
export const revisionRoutes: readonly AdminRoute[] = [
  {
    path: '/config/revisions',
    locate: (context) => locateAt('/config/revisions', context),
    methods: { GET: list },
  },
  {
    path: '/config/revisions/:number',
    locate: (context) => locateAt('/config/revisions/:number', context),
    methods: { GET: show },
  },
  {
    path: '/config/revisions/:number/compare',
    locate: (context) => locateAt('/config/revisions/:number/compare', context),
    methods: { GET: compare },
  },
  {
    path: '/config/revisions/:number/rollback',
    action: 'update',
    locate: (context) => locateAt('/config/revisions/:number/rollback', context),
    methods: { POST: rollBack },
  },
]

async function list(context: RequestContext): Promise<unknown> {
  const { size, below } = configOptions(context)
  const { configuration } = context
  const data = await listRevisions(configuration, revisionViewer(context), { size, below })
  return { data, current: configuration.current().revision }
}

async function show(context: RequestContext): Promise<unknown> {
  const number = revisionNumber(context)
  const detail = await showRevision(context.configuration, revisionViewer(context), number)
  if (detail === undefined) throw noRevision(number)
  return detail
}

/** The difference that a rollback would make; changes nothing. */
async function compare(context: RequestContext): Promise<unknown> {
  const { configuration } = context
  const { revision, difference } = await planRollback(
    configuration,
    revisionViewer(context),
    revisionNumber(context),
  )
  return { revision, ...difference }
}

async function rollBack(context: RequestContext): Promise<unknown> {
  const { configuration, principal, check, request } = context
  const number = revisionNumber(context)
  const { message, revision: seen } = configOptions(context)
  const { revision, difference, touched, operations } = await planRollback(
    configuration,
    revisionViewer(context),
    number,
  )
  const change = await configuration.change({
    principal,
    check: { ...check, alsoRequired: await runBetweenEvents(requiredFor(context, touched)) },
    origin: originOf(request, check.ask),
    operations,
    status: 200,
    ifRevision: seen ?? revision,
    message: message ?? `Roll back to revision ${number}`,
  })
  return { revision: change.revision, ...difference }
}

function revisionViewer(context: RequestContext): RevisionViewer {
  const isWithin = context.params['workspace'] !== undefined
  return {
    reader: context.configuration.readerFor(context.principal),
    workspace: isWithin ? context.workspaceRef.id : undefined,
  }
}

function revisionNumber({ params }: RequestContext): number {
  const text = params['number'] ?? ''
  if (!/^\d{1,15}$/.test(text)) throw noRevision(text)
  return Number(text)
}
