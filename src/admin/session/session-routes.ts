import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { z } from 'zod'
import type { Configuration } from '../../control/configuration.ts'
import { schemaViolation } from '../../entities/kong-problem.ts'
import { cookieIn } from '../../identity/identify.ts'
import { isCrossSite } from '../../identity/refuse-cross-site.ts'
import { Problem } from '../../lib/problem.ts'
import { setUp, signIn, type SignedIn } from '../../schema/session.ts'
import { secureSessionCookie, sessionCookie } from '../../schema/session-cookies.ts'
import { violationsOf } from '../../entities/violations.ts'
import { identifyPrincipal } from '../authorize.ts'
import type { OpenRoute } from '../http/register-routes.ts'
import { describeSession } from './describe-session.ts'
import { bodyFields, originOf } from '../entities/make-change.ts'

/** In bytes. Unauthenticated clients send these bodies, which contain only a name and a password. */
const bodyLimit = 16 * 1024

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
      const { name, password } = parse(signIn, request)
      return enter(reply, { name, password, request })
    },
  )
  app.delete('/api/session', async (request, reply) => {
    const principal = await identifyPrincipal(configuration, request)
    const cookie = cookieIn(request.headers)
    if (cookie !== undefined) await configuration.signOut(cookie, principal, originOf(request))
    return reply.code(204).header('set-cookie', cookieText('', request)).send()
  })
  app.post('/api/setup', { bodyLimit, onRequest: refuseForeignOrigin }, async (request, reply) => {
    const account = parse(setUp, request)
    await configuration.setUp(account, originOf(request))
    void reply.code(201)
    return enter(reply, { ...account, request })
  })

  async function enter(
    reply: FastifyReply,
    { name, password, request }: { name: string; password: string; request: FastifyRequest },
  ): Promise<unknown> {
    const former = cookieIn(request.headers)
    const origin = originOf(request)
    const cookie = await configuration.signIn({ name, password, origin, former })
    void reply.header('set-cookie', cookieText(cookie, request))
    const identified = await configuration.identify({ cookie: `${sessionCookie}=${cookie}` })
    const session = describeSession(configuration, identified?.principal ?? '', version)
    return { ...session, csrf_token: configuration.csrfToken(cookie) } satisfies SignedIn
  }
}

/** Kong's `/userinfo`. */
export const userInfoRoute = (configuration: Configuration, version: string): OpenRoute => ({
  path: '/userinfo',
  answer(id) {
    const { principal, workspaces } = describeSession(configuration, id, version)
    return { user: principal, workspaces }
  },
})

/** A session cookie without `Max-Age`; the server decides when the session expires. */
function cookieText(value: string, request: FastifyRequest): string {
  const isSecure = request.protocol === 'https' || isForwardedSecure(request)
  const name = isSecure ? secureSessionCookie : sessionCookie
  const over = value === '' ? '; Max-Age=0' : ''
  return `${name}=${value}; Path=/; HttpOnly; SameSite=Strict${isSecure ? '; Secure' : ''}${over}`
}

/** Whether the browser speaks TLS to a proxy. A client that fakes this gets a cookie that it will not send back. */
function isForwardedSecure({ headers }: FastifyRequest): boolean {
  const origin = headers.origin ?? ''
  const [proto = ''] = String(headers['x-forwarded-proto'] ?? '').split(',')
  return origin.startsWith('https://') || proto.trim().toLowerCase() === 'https'
}

async function refuseForeignOrigin(request: FastifyRequest): Promise<void> {
  if (isCrossSite(request.headers)) {
    throw new Problem('admin.cross_site', 403, 'Sign-in requests from other sites are not allowed')
  }
}

function parse<Schema extends z.ZodType>(
  schema: Schema,
  request: FastifyRequest,
): z.output<Schema> {
  const parsed = schema.safeParse(bodyFields({ request }))
  if (!parsed.success) throw schemaViolation(violationsOf(parsed.error))
  return parsed.data
}
