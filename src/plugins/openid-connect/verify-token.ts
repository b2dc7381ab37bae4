import { errors, jwtVerify, type JWTVerifyGetKey } from 'jose'
import type { Clock } from '../../lib/clock.ts'
import type { Claims } from '../../identity/claims.ts'
import {
  accessTokenTypes,
  asymmetricAlgorithms,
  isOtherToken,
  isUnknownKey,
  readJwtHeader,
  verifyByAny,
} from '../../identity/verify-jwt.ts'
import type { Provider } from './open-provider.ts'
import { unavailable, type Refusals, type Unauthorized } from './refusals.ts'
import type { Settings } from './settings.ts'

/** Returns the claims of an access token; throws a Problem with the reason when it is not valid. */
export type VerifyToken = (token: string) => Promise<Claims>

export function openVerifyToken(
  settings: Settings,
  provider: Provider,
  { clock, refusals }: { readonly clock: Clock; readonly refusals: Refusals },
): VerifyToken {
  const { leeway } = settings
  const secret = new TextEncoder().encode(settings.client_secret?.[0] ?? '')
  const verifyBy = async (token: string, key: JWTVerifyGetKey | Uint8Array, issuer: string) => {
    const options = {
      issuer,
      clockTolerance: leeway,
      currentDate: new Date(clock.now()),
      requiredClaims: ['exp'],
    }
    const { payload } =
      typeof key === 'function'
        ? await jwtVerify(token, key, { ...options, algorithms: [...asymmetricAlgorithms] })
        : await jwtVerify(token, key, { ...options, algorithms: symmetric })
    return payload
  }
  return async (token) => {
    const header = readJwtHeader(token)
    if (header === undefined) throw refusals.unauthorized('malformed')
    const isSymmetric = symmetric.includes(header.alg)
    if (isSymmetric ? !settings.enable_hs_signatures : !asymmetricAlgorithms.includes(header.alg))
      throw refusals.unauthorized('algorithm')
    if (header.type !== undefined && !accessTokenTypes.has(header.type))
      throw refusals.unauthorized('type')
    const { issuer } = header
    if (!(await provider.isAllowed(issuer))) throw refusals.unauthorized('issuer')
    try {
      const claims = isSymmetric
        ? await verifyBy(token, secret, issuer)
        : await verifyByAny(
            await provider.keySetsOf(issuer),
            (keys) => verifyBy(token, keys, issuer),
            unavailable,
          )
      if (isOtherToken(claims)) throw refusals.unauthorized('type')
      return claims
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error
      throw refusals.unauthorized(reasonOf(error))
    }
  }
}

const symmetric = ['HS256', 'HS384', 'HS512']

function reasonOf(error: errors.JOSEError): Unauthorized {
  if (error instanceof errors.JWTExpired) return 'expired'
  if (error instanceof errors.JWTClaimValidationFailed)
    return error.claim === 'nbf' ? 'not_yet_valid' : 'claims'
  const isOfSignature =
    error instanceof errors.JWSSignatureVerificationFailed || isUnknownKey(error)
  return isOfSignature ? 'signature' : 'malformed'
}
