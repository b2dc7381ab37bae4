import { decodeJwt, decodeProtectedHeader, errors, jwtVerify, type JWTVerifyGetKey } from 'jose'
import type { Clock } from '../../lib/clock.ts'
import type { CachedDocument } from './cached-document.ts'
import type { Claims } from './claims.ts'
import { isUnknownKey, type KeySet, type Provider } from './open-provider.ts'
import { unavailable, type Refusals, type Unauthorized } from './refusals.ts'
import type { Settings } from './settings.ts'

/** Whether a token has the form of a JWT that is signed, or claims to need no signature. */
export const isSignedJwt = (token: string): boolean =>
  /^[\w-]+\.[\w-]+\.[\w-]*$/.test(token) && token.startsWith('ey')

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
        ? await jwtVerify(token, key, { ...options, algorithms: asymmetric })
        : await jwtVerify(token, key, { ...options, algorithms: symmetric })
    return payload
  }
  return async (token) => {
    const header = readHeader(token)
    if (header === undefined) throw refusals.unauthorized('malformed')
    const isSymmetric = symmetric.includes(header.alg)
    if (isSymmetric ? !settings.enable_hs_signatures : !asymmetric.includes(header.alg))
      throw refusals.unauthorized('algorithm')
    if (header.type !== undefined && !accessTokenTypes.has(header.type))
      throw refusals.unauthorized('type')
    const { issuer } = header
    if (!(await provider.isAllowed(issuer))) throw refusals.unauthorized('issuer')
    try {
      const claims = isSymmetric
        ? await verifyBy(token, secret, issuer)
        : await verifyByAny(await provider.keySetsOf(issuer), (keys) =>
            verifyBy(token, keys, issuer),
          )
      if (isOtherToken(claims)) throw refusals.unauthorized('type')
      return claims
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error
      throw refusals.unauthorized(reasonOf(error))
    }
  }
}

const asymmetric = 'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' ')
const symmetric = ['HS256', 'HS384', 'HS512']

/** RFC 9068 section 2.1, and what providers write that do not follow it. */
const accessTokenTypes: ReadonlySet<string> = new Set(['jwt', 'at+jwt', 'application/at+jwt'])

type Header = {
  readonly alg: string
  readonly type: string | undefined
  readonly issuer: string
}

/** What is needed before the signature can be verified. A key id is only used to choose a key (RFC 7515 section 4.1.4), and keys in the header never. */
function readHeader(token: string): Header | undefined {
  try {
    const { alg, typ, kid, cty } = decodeProtectedHeader(token) as Readonly<Record<string, unknown>>
    const { iss } = decodeJwt(token)
    const isNested = cty !== undefined
    if (typeof alg !== 'string' || typeof iss !== 'string' || isNested) return undefined
    if (kid !== undefined && typeof kid !== 'string') return undefined
    if (typ !== undefined && typeof typ !== 'string') return undefined
    return { alg, type: typ?.toLowerCase(), issuer: iss }
  } catch {
    return undefined
  }
}

/** Tries the key sets in turn; when none has the key, each is read again once per cooldown. */
async function verifyByAny(
  sets: readonly CachedDocument<KeySet>[],
  verify: (keys: JWTVerifyGetKey) => Promise<Claims>,
): Promise<Claims> {
  const first = await tryEach(sets, verify)
  if ('claims' in first) return first.claims
  await Promise.all(sets.map((set) => set.refresh()))
  const second = await tryEach(sets, verify)
  if ('claims' in second) return second.claims
  throw second.missing
}

type Tried = { readonly claims: Claims } | { readonly missing: unknown }

/** `missing` says why no key was found. Throws when there is a key and the token is not valid. */
async function tryEach(
  sets: readonly CachedDocument<KeySet>[],
  verify: (keys: JWTVerifyGetKey) => Promise<Claims>,
): Promise<Tried> {
  let missing: unknown = new errors.JWKSNoMatchingKey()
  for (const set of sets) {
    let keys: KeySet
    try {
      keys = await set.get()
    } catch {
      missing = unavailable()
      continue
    }
    try {
      return { claims: await verifyByMatching(keys.find, verify) }
    } catch (error) {
      if (!isUnknownKey(error)) throw error
    }
  }
  return { missing }
}

/** A token without a key id may fit several keys of a set. */
async function verifyByMatching(
  find: JWTVerifyGetKey,
  verify: (keys: JWTVerifyGetKey) => Promise<Claims>,
): Promise<Claims> {
  try {
    return await verify(find)
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    let last: unknown = new errors.JWSSignatureVerificationFailed()
    for await (const key of error) {
      try {
        return await verify(async () => key)
      } catch (failure) {
        last = failure
        if (!(failure instanceof errors.JWSSignatureVerificationFailed)) throw failure
      }
    }
    throw last
  }
}

/** Whether a token of the issuer is none for APIs: ID tokens (OpenID Connect Core sections 2 and 3.3.2.11, Keycloak, Cognito), refresh tokens, logout tokens and other events (RFC 8417). */
function isOtherToken({ typ, token_use: use, at_hash, c_hash, s_hash, events }: Claims): boolean {
  const type = typeof typ === 'string' ? typ.toLowerCase() : ''
  return (
    ['id', 'refresh', 'offline', 'logout'].includes(type) ||
    (use !== undefined && use !== 'access') ||
    [at_hash, c_hash, s_hash, events].some((claim) => claim !== undefined)
  )
}

function reasonOf(error: errors.JOSEError): Unauthorized {
  if (error instanceof errors.JWTExpired) return 'expired'
  if (error instanceof errors.JWTClaimValidationFailed)
    return error.claim === 'nbf' ? 'not_yet_valid' : 'claims'
  const isOfSignature =
    error instanceof errors.JWSSignatureVerificationFailed || isUnknownKey(error)
  return isOfSignature ? 'signature' : 'malformed'
}
