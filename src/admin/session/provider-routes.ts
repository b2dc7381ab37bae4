import { randomInt } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import type { Configuration } from '../../control/configuration.ts'
import { notFound } from '../../entities/kong-problem.ts'
import { readCookies } from '../../identity/identify.ts'
import { pendingCookies } from '../../schema/session-cookies.ts'
import {
  beginSignIn,
  providerAnswer,
  type BegunSignIn,
  type SignInOptions,
} from '../../schema/session.ts'
import { originOf } from '../entities/make-change.ts'
import {
  answerSignedIn,
  bodyLimit,
  clientOf,
  cookieText,
  parseSessionBody,
  refuseForeignOrigin,
} from './session-routes.ts'

const pendingSeconds = 600

/**
 * Sign-in by the identity provider. A page begins it and brings the provider's response back, both by requests of its own
 * origin, so that all cookies are SameSite=Strict and the CSRF token of the session stays out of addresses.
 */
export function registerProviderRoutes(
  app: FastifyInstance,
  configuration: Configuration,
  version: string,
): void {
  const { provider } = configuration
  const path = '/api/session/provider'
  const limits = { bodyLimit, onRequest: refuseForeignOrigin }
  app.get(path, async (): Promise<SignInOptions> =>
    provider === undefined ? {} : { label: provider.label },
  )
  if (provider === undefined) return

  app.post(path, limits, async (request, reply): Promise<BegunSignIn> => {
    const { next } = parseSessionBody(beginSignIn, request)
    const own = new URL(provider.redirectUri())
    // Cookies that another host name of the Manager sets would not return to the redirect URI.
    if (request.host !== own.host) return { url: new URL('/sign-in', own).href }
    const { url, cookie } = await provider.begin(next)
    const taken = readCookies(request.headers)
    const free = pendingCookies.find((name) => !taken.has(name) && !taken.has(`__Host-${name}`))
    const slot = free ?? (pendingCookies[randomInt(pendingCookies.length)] as string)
    void reply.header('set-cookie', cookieText(slot, cookie, request, pendingSeconds))
    return { url }
  })

  app.post(`${path}/callback`, limits, async (request, reply) => {
    const { query } = parseSessionBody(providerAnswer, request)
    const cookies = readCookies(request.headers)
    const slots = pendingCookies.filter(
      (name) => cookies.has(name) || cookies.has(`__Host-${name}`),
    )
    const { cookie, next, used } = await provider.complete({
      answer: new URLSearchParams(query),
      pending: slots.map((name) => cookies.get(`__Host-${name}`) ?? cookies.get(name) ?? ''),
      ...clientOf(request),
    })
    void reply.header('set-cookie', cookieText(slots[used] as string, '', request))
    const signedIn = await answerSignedIn(configuration, version, cookie, [request, reply])
    return { ...signedIn, ...(next === undefined ? {} : { next }) }
  })

  // Sent by the provider itself (OpenID Connect Back-Channel Logout section 2.5).
  app.post('/api/session/provider/logout', { bodyLimit }, async (request, reply) => {
    const parsed = z.object({ logout_token: z.string().min(1) }).safeParse(request.body)
    if (!parsed.success) throw notFound()
    await provider.logOut(parsed.data.logout_token, originOf(request))
    return reply.code(200).send()
  })
}
