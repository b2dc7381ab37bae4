import {
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JSONWebKeySet,
  type JWTVerifyGetKey,
} from 'jose'
import { z } from 'zod'
import type { CachedDocument } from '../lib/cached-document.ts'
import type { Claims } from './claims.ts'

/** A set of keys, in the form in which jose looks one up. */
export type KeySet = { readonly find: JWTVerifyGetKey; readonly text: string }

export const asymmetricAlgorithms: readonly string[] =
  'RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'.split(' ')

/** RFC 9068 section 2.1, and what providers write that do not follow it. */
export const accessTokenTypes: ReadonlySet<string> = new Set([
  'jwt',
  'at+jwt',
  'application/at+jwt',
])

/** Whether a token has the form of a JWT that is signed, or claims to need no signature. */
export const isSignedJwt = (token: string): boolean =>
  /^[\w-]+\.[\w-]+\.[\w-]*$/.test(token) && token.startsWith('ey')

export type JwtHeader = {
  readonly alg: string
  /** In lower case. */
  readonly type: string | undefined
  readonly issuer: string
}

/** Reads the parts that signature verification needs. A key id only selects a key (RFC 7515 section 4.1.4); keys in the header are never used. */
export function readJwtHeader(token: string): JwtHeader | undefined {
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

const keySetForm = z.looseObject({ keys: z.array(z.looseObject({ kty: z.string() })) })

/** Symmetric keys in a public document are no secrets, and verify nothing. */
export function parseKeySet(document: unknown): KeySet {
  const { keys } = keySetForm.parse(document)
  const set = { keys: keys.filter(({ kty }) => kty !== 'oct') } as JSONWebKeySet
  return { find: createLocalJWKSet(set), text: JSON.stringify(set) }
}

export const isUnknownKey = (error: unknown): boolean => error instanceof errors.JWKSNoMatchingKey

/** Tries the key sets in turn; when none has the key, each is read again once per cooldown. `unavailable` is thrown when no set could be read. */
export async function verifyByAny(
  sets: readonly CachedDocument<KeySet>[],
  verify: (keys: JWTVerifyGetKey) => Promise<Claims>,
  unavailable: () => unknown,
): Promise<Claims> {
  const first = await tryEach(sets, verify, unavailable)
  if ('claims' in first) return first.claims
  await Promise.all(sets.map((set) => set.refresh()))
  const second = await tryEach(sets, verify, unavailable)
  if ('claims' in second) return second.claims
  throw second.missing
}

type Tried = { readonly claims: Claims } | { readonly missing: unknown }

/** `missing` contains the reason when no key is found. Throws when there is a key and the token is not valid. */
async function tryEach(
  sets: readonly CachedDocument<KeySet>[],
  verify: (keys: JWTVerifyGetKey) => Promise<Claims>,
  unavailable: () => unknown,
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

/** Whether a token of the issuer is not an access token: ID tokens (OpenID Connect Core sections 2 and 3.3.2.11, Keycloak, Cognito), refresh tokens, logout tokens and other events (RFC 8417). */
export function isOtherToken({
  typ,
  token_use: use,
  at_hash,
  c_hash,
  s_hash,
  events,
}: Claims): boolean {
  const type = typeof typ === 'string' ? typ.toLowerCase() : ''
  return (
    ['id', 'refresh', 'offline', 'logout'].includes(type) ||
    (use !== undefined && use !== 'access') ||
    [at_hash, c_hash, s_hash, events].some((claim) => claim !== undefined)
  )
}
