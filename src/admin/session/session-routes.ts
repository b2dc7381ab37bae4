import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { Configuration } from '../../control/configuration.ts'
import { schemaViolation } from '../../entities/kong-problem.ts'
import { cookieIn } from '../../identity/identify.ts'
import { isCrossSite } from '../../identity/refuse-cross-site.ts'
import { Problem } from '../../lib/problem.ts'
import { setUp, signIn, type SignedIn } from '../../schema/session.ts'
import { sessionCookie } from '../../schema/session-cookies.ts'
import { violationsOf } from '../../entities/violations.ts'
import { identifyPrincipal } from '../authorize.ts'
import type { OpenRoute } from '../http/register-routes.ts'
import { describeSession } from './describe-session.ts'
import { bodyFields, originOf } from '../entities/make-change.ts'

/** In bytes. Unauthenticated clients send these bodies, which contain only a name and a password. */
export const bodyLimit = 16 * 1024

export function registerSessionRoutes(
  app: FastifyInstance,
  configuration: Configuration,
  version: string,
): void {
  app.get('/api/session', async (request) =>
    describeSession(configuration, await identifyPrincipal(configuration, request), version),
  )
  app.post(
    '/api/session',
    { bodyLimit, onRequest: refuseForeignOrigin },
    async (request, reply) => {
      return enter(reply, { ...parseSessionBody(signIn, request), request })
    },
  )
  app.delete('/api/session', async (request, reply) => {
    const principal = await identifyPrincipal(configuration, request)
    const cookie = cookieIn(request.headers)
    const isOfProvider =
      cookie !== undefined && (await configuration.signOut(cookie, principal, originOf(request)))
    void reply.header('set-cookie', cookieText(sessionCookie, '', request))
    // Without it the provider would sign the person in again at once.
    const url = isOfProvider ? await endSessionUrl(configuration) : undefined
    return url === undefined ? reply.code(204).send() : reply.send({ sign_out_url: url })
  })
  app.post('/api/setup', { bodyLimit, onRequest: refuseForeignOrigin }, async (request, reply) => {
    const account = parseSessionBody(setUp, request)
    await configuration.setUp(account, originOf(request))
    void reply.code(201)
    return enter(reply, { ...account, request })
  })

  async function enter(
    reply: FastifyReply,
    { name, password, code, request }: z.output<typeof signIn> & { request: FastifyRequest },
  ): Promise<unknown> {
    const cookie = await configuration.signIn({ name, password, code, ...clientOf(request) })
    return answerSignedIn(configuration, version, cookie, [request, reply])
  }
}

/** Client properties that a sign-in stores. */
export const clientOf = (request: FastifyRequest) => ({
  origin: originOf(request),
  userAgent: request.headers['user-agent'],
  former: cookieIn(request.headers),
})

/** Sets the cookie of a session that began. */
export async function answerSignedIn(
  configuration: Configuration,
  version: string,
  cookie: string,
  [request, reply]: readonly [FastifyRequest, FastifyReply],
): Promise<SignedIn> {
  void reply.header('set-cookie', cookieText(sessionCookie, cookie, request))
  const identified = await configuration.identify({ cookie: `${sessionCookie}=${cookie}` })
  const session = describeSession(configuration, identified?.principal ?? '', version)
  return { ...session, csrf_token: configuration.csrfToken(cookie) }
}

/** The provider may be unavailable; the session here has ended all the same. */
const endSessionUrl = ({ provider }: Configuration): Promise<string | undefined> =>
  provider?.endSessionUrl().catch(() => undefined) ?? Promise.resolve(undefined)

/** Kong's `/userinfo`. */
export const userInfoRoute = (configuration: Configuration, version: string): OpenRoute => ({
  path: '/userinfo',
  answer(id) {
    const { principal, workspaces } = describeSession(configuration, id, version)
    return { user: principal, workspaces }
  },
})

/** A cookie of Weir itself. Without `seconds` it has no `Max-Age`: the server decides when the session expires. An empty value removes it. */
export function cookieText(
  cookie: string,
  value: string,
  request: FastifyRequest,
  seconds?: number,
): string {
  const isSecure = request.protocol === 'https' || isForwardedSecure(request)
  const name = isSecure ? `__Host-${cookie}` : cookie
  const age = value === '' ? 0 : seconds
  const end = age === undefined ? '' : `; Max-Age=${age}`
  return `${name}=${value}; Path=/; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}${end}`
}

/** Whether the browser uses TLS to a proxy. A client that fakes this gets a cookie that it will not send back. */
function isForwardedSecure({ headers }: FastifyRequest): boolean {
  const origin = headers.origin ?? ''
  const [proto = ''] = String(headers['x-forwarded-proto'] ?? '').split(',')
  return origin.startsWith('https://') || proto.trim().toLowerCase() === 'https'
}

/** Cross-site requests must not sign a user in (login CSRF). */
export async function refuseForeignOrigin(request: FastifyRequest): Promise<void> {
  if (isCrossSite(request.headers)) {
    throw new Problem('admin.cross_site', 403, 'Sign-in requests from other sites are not allowed')
  }
}

export function parseSessionBody<Schema extends z.ZodType>(
  schema: Schema,
  request: FastifyRequest,
): z.output<Schema> {
  const parsed = schema.safeParse(bodyFields({ request }))
  if (!parsed.success) throw schemaViolation(violationsOf(parsed.error))
  return parsed.data
}
