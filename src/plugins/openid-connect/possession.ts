import { createHash, hash } from 'node:crypto'
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose'
import { claimAt } from '../../identity/claims.ts'
import { asymmetricAlgorithms } from '../../identity/verify-jwt.ts'
import type { Clock } from '../../lib/clock.ts'
import { Problem } from '../../lib/problem.ts'
import type { Exchange } from '../../proxy/exchange.ts'
import type { SharedValues } from '../../proxy/plugin.ts'
import type { Evidence } from './authenticate.ts'
import { openDpopNonces } from './dpop-nonces.ts'
import { unavailable, type Refusals } from './refusals.ts'
import type { Settings } from './settings.ts'

/** Whether the caller is the one to whom a token was issued. */
export type Possession = {
  /** Undefined when that is certain already; rejects or throws with a Problem when it is not so. */
  check(
    exchange: Exchange,
    evidence: Evidence,
    scheme: 'bearer' | 'dpop',
  ): Promise<void> | undefined
}

export type PossessionTools = {
  readonly clock: Clock
  readonly values: SharedValues
  readonly refusals: Refusals
}

/** Characters of a proof, beyond which it is not read, and of its id. */
const maxProof = 8_192
const maxId = 256

/** Undefined where bearer tokens are enough. */
export function openPossession(settings: Settings, tools: PossessionTools): Possession | undefined {
  const { proof_of_possession_dpop: dpop, proof_of_possession_mtls: mtls } = settings
  if (dpop === 'off' && mtls === 'off') return undefined
  const { refusals } = tools
  const verifyProof = openProofs(settings, tools)
  const checkCertificate = ({ request }: Exchange, thumbprint: unknown): void => {
    if (thumbprint === undefined && mtls === 'optional') return
    const { der } = request.clientCertificate ?? {}
    const own = der && createHash('sha256').update(der).digest('base64url')
    if (own === undefined || own !== thumbprint) throw refusals.unauthorized('certificate')
  }
  return {
    check(exchange, { accessToken, sources }, scheme) {
      if (mtls !== 'off') checkCertificate(exchange, claimAt(sources, ['cnf', 'x5t#S256']))
      if (dpop === 'off') return undefined
      const thumbprint = claimAt(sources, ['cnf', 'jkt'])
      if (thumbprint === undefined && dpop === 'optional' && scheme === 'bearer') return undefined
      // RFC 9449 section 7.2: a bound token must not be used as a bearer token.
      if (typeof thumbprint !== 'string' || scheme !== 'dpop') throw refusals.proof('invalid_token')
      return verifyProof(exchange, accessToken, thumbprint).catch((error: unknown) => {
        throw error instanceof Problem ? error : unavailable()
      })
    },
  }
}

/** RFC 9449 section 4.3. */
function openProofs(settings: Settings, { clock, values, refusals }: PossessionTools) {
  const lifetime = settings.dpop_proof_lifetime
  const nonces = openDpopNonces(values, clock, Math.max(1, lifetime) * 1000)
  const read = async (proof: string) => {
    try {
      const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
        typ: 'dpop+jwt',
        algorithms: [...asymmetricAlgorithms],
        maxTokenAge: lifetime,
        clockTolerance: settings.leeway,
        currentDate: new Date(clock.now()),
        requiredClaims: ['jti', 'htm', 'htu', 'ath'],
      })
      const { jwk = { kty: '' } } = protectedHeader
      return { payload, thumbprint: await calculateJwkThumbprint(jwk) }
    } catch {
      // Keys that cannot be imported are no errors of jose.
      throw refusals.proof('invalid_dpop_proof')
    }
  }
  const checkNonce = async ({ answerHeaders }: Exchange, nonce: unknown): Promise<void> => {
    if (!settings.dpop_use_nonce) return
    const current = await nonces.current()
    if (nonce !== current) answerHeaders.set('DPoP-Nonce', current)
    if (!(await nonces.isValid(nonce))) throw refusals.proof('use_dpop_nonce')
  }
  return async (exchange: Exchange, token: string, bound: string): Promise<void> => {
    const [proof = '', ...others] = exchange.request.headers.all('dpop')
    if (others.length > 0 || proof.length > maxProof) throw refusals.proof('invalid_dpop_proof')
    const { payload, thumbprint } = await read(proof)
    const { jti, htm, htu, ath, nonce } = payload
    const isForRequest =
      htm === exchange.request.method &&
      isSameUrl(htu, exchange) &&
      ath === hash('sha256', token, 'base64url') &&
      thumbprint === bound
    if (!isForRequest || typeof jti !== 'string' || jti.length > maxId)
      throw refusals.proof('invalid_dpop_proof')
    await checkNonce(exchange, nonce)
    const key = `dpop:${hash('sha256', JSON.stringify([bound, jti]), 'base64url')}`
    const kept = (lifetime + settings.leeway) * 2_000
    if (!(await values.add(key, '1', kept))) throw refusals.proof('invalid_dpop_proof')
  }
}

/** Without query and fragment, which the URL of a proof may have. */
function isSameUrl(htu: unknown, { request }: Exchange): boolean {
  if (typeof htu !== 'string' || !URL.canParse(htu)) return false
  const { scheme, host, port, path } = request
  const own = `${scheme}://${host}:${port}${path}`
  if (!URL.canParse(own)) return false
  const [proved, actual] = [new URL(htu), new URL(own)]
  return proved.origin === actual.origin && proved.pathname === actual.pathname
}
