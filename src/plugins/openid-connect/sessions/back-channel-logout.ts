import { hash } from 'node:crypto'
import { errors, jwtVerify } from 'jose'
import {
  asymmetricAlgorithms,
  isSignedJwt,
  readJwtHeader,
  verifyByAny,
} from '../../../identity/verify-jwt.ts'
import type { Claims } from '../../../identity/claims.ts'
import type { Clock } from '../../../lib/clock.ts'
import { isRecord } from '../../../lib/is-record.ts'
import { Problem } from '../../../lib/problem.ts'
import type { Exchange } from '../../../proxy/exchange.ts'
import type { PluginAnswer, SharedValues } from '../../../proxy/plugin.ts'
import { readSmallBody } from '../../../proxy/small-body.ts'
import type { Provider } from '../open-provider.ts'
import { unavailable } from '../refusals.ts'
import type { Settings } from '../settings.ts'
import type { Revocations } from './revocations.ts'

export type LogoutTools = {
  readonly provider: Provider
  readonly clock: Clock
  readonly values: SharedValues
  readonly revocations: Revocations
  /** Ids of the clients. */
  readonly ids: readonly string[]
}

/** Answers the provider's notice that a session has ended; undefined for a body without a logout token. */
export type BackChannelLogout = (exchange: Exchange) => Promise<PluginAnswer | undefined>

const event = 'http://schemas.openid.net/event/backchannel-logout'

/** Seconds after which a logout token is too old, and by which the clock of the provider may be ahead. */
const maxAge = 300
const minTolerance = 60

const maxToken = 16_384

/** Types of logout tokens; providers before the final specification use that of any JWT. */
const types: ReadonlySet<string> = new Set(['logout+jwt', 'application/logout+jwt', 'jwt'])

/** OpenID Connect Back-Channel Logout 1.0 sections 2.5 to 2.8. */
export function openBackChannelLogout(
  settings: Settings,
  { provider, clock, values, revocations, ids }: LogoutTools,
): BackChannelLogout {
  const tolerance = Math.max(settings.leeway, minTolerance)
  const verify = async (token: string): Promise<Claims> => {
    const header = token.length <= maxToken && isSignedJwt(token) ? readJwtHeader(token) : undefined
    if (header === undefined) throw refused('it is malformed')
    const { alg, type = 'jwt', issuer } = header
    if (!types.has(type)) throw refused('it is of another type')
    if (!asymmetricAlgorithms.includes(alg)) throw refused('its algorithm is not allowed')
    if (!(await provider.isAllowed(issuer))) throw refused('its issuer is not allowed')
    try {
      return await verifyByAny(
        await provider.keySetsOf(issuer),
        async (keys) => {
          const { payload } = await jwtVerify(token, keys, {
            issuer,
            audience: [...ids],
            algorithms: [...asymmetricAlgorithms],
            requiredClaims: ['exp', 'jti'],
            maxTokenAge: maxAge,
            clockTolerance: tolerance,
            currentDate: new Date(clock.now()),
          })
          return payload
        },
        unavailable,
      )
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error
      throw refused('it is not signed by the issuer, not for this client, or over')
    }
  }
  const end = async (claims: Claims): Promise<void> => {
    const { iss, aud, jti, sid, sub, events, nonce } = claims
    const isNotice = isRecord(events) && isRecord(events[event]) && nonce === undefined
    const names = [sid, sub].filter((name) => name !== undefined)
    const areNames = names.length > 0 && names.every((name) => typeof name === 'string')
    if (!isNotice || !areNames || typeof iss !== 'string')
      throw refused('its claims are not those of a logout token')
    const key = `logout:${hash('sha256', JSON.stringify([iss, jti]), 'base64url')}`
    if (!(await values.add(key, '1', (maxAge + 2 * tolerance) * 1000)))
      throw refused('it was used before')
    const clients = [aud].flat().filter((client) => ids.includes(String(client)))
    for (const client of clients) {
      const of = { issuer: iss, client: String(client) }
      if (typeof sid === 'string') await revocations.endSid(of, sid)
      else await revocations.endSubject(of, String(sub))
    }
  }
  return async ({ body }) => {
    const bytes = await readSmallBody(body)
    const [token, ...others] = new URLSearchParams(bytes?.toString('latin1')).getAll('logout_token')
    if (token === undefined) return undefined
    if (others.length > 0) return refusal(refused('there are several'))
    try {
      await end(await verify(token))
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 400) throw error
      return refusal(error)
    }
    return { status: 200, headers: { 'Cache-Control': 'no-store' }, body: '' }
  }
}

const refused = (why: string): Problem =>
  new Problem('openid-connect.logout_token', 400, `The logout token is refused: ${why}`)

const refusal = (problem: Problem): PluginAnswer => ({
  status: 400,
  headers: { 'Cache-Control': 'no-store', 'Content-Type': 'application/json' },
  body: JSON.stringify({ error: 'invalid_request', error_description: problem.message }),
  refusal: problem,
})

/** Whether a request may be the provider's notice. */
export const mayBeNotice = ({ request, body }: Exchange): boolean =>
  request.method === 'POST' &&
  body.present &&
  /^application\/x-www-form-urlencoded\b/i.test(request.headers.get('content-type') ?? '')
