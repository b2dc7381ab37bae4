import type { FastifyInstance } from 'fastify'
import type { Configuration } from '../../control/configuration.ts'
import { entriesOf } from '../../entities/entry.ts'
import { notFound } from '../../entities/kong-problem.ts'
import { cookieIn } from '../../identity/identify.ts'
import type { StoredSession } from '../../schema/session-rows.ts'
import {
  confirmation,
  enrolment,
  type AccountSummary,
  type ListedSession,
} from '../../schema/session.ts'
import {
  requireParent,
  type AdminRoute,
  type Located,
  type PathContext,
  type RequestContext,
} from '../admin-route.ts'
import { buildPath } from '../../access/path.ts'
import { identifyPrincipal } from '../authorize.ts'
import { originOf } from '../entities/make-change.ts'
import { locateParent } from '../entities/locate-parent.ts'
import { bodyLimit, parseSessionBody } from './session-routes.ts'

/** Sessions and authenticator app of the signed-in person. */
export function registerAccountRoutes(app: FastifyInstance, configuration: Configuration): void {
  const { account } = configuration
  const path = '/api/account'
  app.get(path, async (request): Promise<AccountSummary> => {
    const principal = await identifyPrincipal(configuration, request)
    const current = await account.sessionOf(cookieIn(request.headers) ?? '')
    const sessions = await account.listSessions(principal)
    const factor = await account.describeSecondFactor(principal)
    const { entries } = configuration.current()
    const password = entriesOf(entries, 'principal').get(principal)?.fields.password ?? null
    return {
      sessions: sessions.map((session) => presentSession(session, current?.id)),
      has_password: password !== null,
      second_factor:
        factor === undefined
          ? null
          : { confirmed_at: seconds(factor.confirmedAt), recovery_codes: factor.recoveryCodes },
    }
  })
  app.delete<{ Params: { id: string } }>(`${path}/sessions/:id`, async (request, reply) => {
    const principal = await identifyPrincipal(configuration, request)
    const { id } = request.params
    if (!(await account.endSession(principal, id, principal, originOf(request)))) throw notFound()
    return reply.code(204).send()
  })
  app.post(`${path}/second-factor`, { bodyLimit }, async (request, reply) => {
    const principal = await identifyPrincipal(configuration, request)
    const { password } = parseSessionBody(enrolment, request)
    return reply.code(201).send(await account.beginSecondFactor(principal, password))
  })
  app.post(`${path}/second-factor/confirm`, { bodyLimit }, async (request, reply) => {
    const principal = await identifyPrincipal(configuration, request)
    const { code } = parseSessionBody(confirmation, request)
    const codes = await account.confirmSecondFactor(principal, code, originOf(request))
    return reply.code(201).send({ recovery_codes: codes })
  })
  app.post(`${path}/second-factor/remove`, { bodyLimit }, async (request, reply) => {
    const principal = await identifyPrincipal(configuration, request)
    const { password } = parseSessionBody(enrolment, request)
    await account.checkPassword(principal, password)
    if (!(await account.removeSecondFactor(principal, principal, originOf(request))))
      throw notFound()
    return reply.code(204).send()
  })
}

/** Sessions and authenticator app of a user, for administrators. */
export const userSignInRoutes: readonly AdminRoute[] = [
  {
    path: '/rbac/users/:parent/sessions',
    locate: (context) => locateSignIn(context, 'sessions'),
    methods: {
      async GET(context) {
        const sessions = await context.configuration.account.listSessions(idOf(context))
        return { data: sessions.map((session) => presentSession(session, undefined)), next: null }
      },
      async DELETE(context) {
        for (const { id } of await context.configuration.account.listSessions(idOf(context)))
          await endSession(context, id)
        return undefined
      },
    },
  },
  {
    path: '/rbac/users/:parent/sessions/:session',
    locate: (context) => locateSignIn(context, 'sessions'),
    methods: {
      async DELETE(context) {
        if (!(await endSession(context, context.params['session'] ?? ''))) throw notFound()
        return undefined
      },
    },
  },
  {
    path: '/rbac/users/:parent/second-factor',
    locate: (context) => locateSignIn(context, 'second-factor'),
    methods: {
      async GET(context) {
        const found = await context.configuration.account.describeSecondFactor(idOf(context))
        if (found === undefined) throw notFound()
        return { confirmed_at: seconds(found.confirmedAt), recovery_codes: found.recoveryCodes }
      },
      async DELETE(context) {
        const { configuration, principal, request } = context
        const { account } = configuration
        const origin = originOf(request, context.check.ask, configuration)
        if (!(await account.removeSecondFactor(idOf(context), principal, origin))) throw notFound()
        return undefined
      },
    },
  },
]

/** Decided in the default workspace, as are the user itself and its tokens. */
function locateSignIn(context: PathContext, part: string): Located {
  const under = { field: 'principal', entity: 'principal' } as const
  const { parent, alias } = locateParent(context, under)
  const { session } = context.params
  const path = `${alias.path}/${part}${session === undefined ? '' : buildPath(session)}`
  const ask = { workspace: alias.workspace, path, action: context.action }
  return { check: { ask, aliases: [alias] }, parent, isLost: parent === undefined }
}

const idOf = (context: RequestContext): string => requireParent(context, 'principal').id

const endSession = (context: RequestContext, id: string): Promise<boolean> =>
  context.configuration.account.endSession(
    idOf(context),
    id,
    context.principal,
    originOf(context.request, context.check.ask, context.configuration),
  )

const seconds = (milliseconds: number): number => Math.floor(milliseconds / 1000)

const presentSession = (session: StoredSession, current: string | undefined): ListedSession => ({
  id: session.id,
  created_at: session.createdAt === undefined ? null : seconds(session.createdAt),
  expires_at: seconds(session.expiresAt),
  address: session.address,
  user_agent: session.userAgent,
  by: session.identity === undefined ? 'password' : 'identity-provider',
  current: session.id === current,
})
