import { errors, jwtVerify } from 'jose'
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  AuthorizationResponseError,
  buildAuthorizationUrl,
  buildEndSessionUrl,
  calculatePKCECodeChallenge,
  ClientSecretBasic,
  clockTolerance,
  Configuration,
  customFetch,
  enableNonRepudiationChecks,
  fetchUserInfo,
  None,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
  type ServerMetadata,
} from 'openid-client'
import { z } from 'zod'
import { openCachedDocument } from '../lib/cached-document.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { Problem } from '../lib/problem.ts'
import { nameIn, type Claims } from './claims.ts'
import { guardedFetch, type ProviderHttp } from './guarded-fetch.ts'
import { providerPresets } from './provider-presets.ts'
import type { ProviderSettings } from './provider-settings.ts'
import { readIdentity, type ProviderIdentity } from './read-identity.ts'
import {
  asymmetricAlgorithms,
  isOtherToken,
  isSignedJwt,
  parseKeySet,
  readJwtHeader,
  verifyByAny,
} from './verify-jwt.ts'

/** Expected values of a sign-in in progress. */
export type PendingSignIn = {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
}

/** A logout token (OpenID Connect Back-Channel Logout section 2.4). */
export type LogoutToken = {
  readonly id: string
  readonly subject: string | undefined
  readonly sid: string | undefined
  /** Milliseconds since the epoch. */
  readonly expiresAt: number
}

/** A client of the provider. Everything rejects with a Problem: 503 while the provider is needed and unavailable. */
export type SignInProvider = {
  readonly settings: ProviderSettings
  /** Authorization URL of a new sign-in: authorization code with PKCE, state and nonce. */
  begin(): Promise<PendingSignIn & { readonly url: string }>
  /** Redeems the code of the provider's response. `answer` are the parameters with which it sent the person back. */
  redeem(answer: URLSearchParams, pending: PendingSignIn): Promise<ProviderIdentity>
  verifyAccessToken(token: string): Promise<{
    readonly identity: ProviderIdentity
    readonly claims: Claims
  }>
  verifyLogoutToken(token: string): Promise<LogoutToken>
  /** Logout URL of the provider; undefined if it has none. */
  endSessionUrl(returnTo: string): Promise<string | undefined>
}

/** Milliseconds. */
const timeout = 10_000
const maxAge = 10 * 60_000
const cooldown = 30_000
/** Seconds that clocks may differ. */
const leeway = 30

export function openProvider(
  settings: ProviderSettings,
  { http, clock, log }: { readonly http: ProviderHttp; readonly clock: Clock; readonly log: Log },
): SignInProvider {
  const { issuer, clientId, clientSecret, redirectUri } = settings
  const preset = providerPresets[settings.preset]
  const read = async (url: string): Promise<unknown> => {
    const response = await http(url, {
      headers: { accept: 'application/json' },
      timeout,
      verifiesTls: true,
    })
    if (response.status !== 200) throw new Error(`${url} answered ${response.status}`)
    return response.json()
  }
  const documents = { clock, maxAge, cooldown }
  const onFailure = (error: unknown): void =>
    log.warn('sign-in: document of the identity provider unavailable', {
      issuer,
      error: String(error),
    })
  const discovery = openCachedDocument({
    ...documents,
    read: async () =>
      checkMetadata(
        await read(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`),
        issuer,
      ),
    onFailure,
  })
  const metadata = async (): Promise<ServerMetadata & { readonly jwks_uri: string }> => {
    try {
      return await discovery.get()
    } catch {
      throw unavailable()
    }
  }
  const keys = openCachedDocument({
    ...documents,
    read: async () => parseKeySet(await read((await discovery.get()).jwks_uri)),
    onFailure,
  })
  let client: { readonly of: ServerMetadata; readonly configuration: Configuration } | undefined
  const configure = async (): Promise<Configuration> => {
    const of = await metadata()
    if (client?.of === of) return client.configuration
    const authentication = clientSecret === undefined ? None() : ClientSecretBasic(clientSecret)
    const options = { [clockTolerance]: leeway }
    const configuration = new Configuration(of, clientId, options, authentication)
    configuration[customFetch] = guardedFetch(http, { timeout, verifiesTls: true })
    // Whether the provider has TLS is decided by its configured address.
    allowInsecureRequests(configuration)
    // The signature of the ID token is verified too: the connection may have no TLS.
    enableNonRepudiationChecks(configuration)
    client = { of, configuration }
    return configuration
  }
  const verify = async (token: string): Promise<{ type: string | undefined; claims: Claims }> => {
    const header = readJwtHeader(token)
    if (header === undefined) throw invalidToken('it is malformed')
    if (!asymmetricAlgorithms.includes(header.alg)) throw invalidToken('its algorithm is refused')
    if (header.issuer !== (await metadata()).issuer) throw invalidToken('it has another issuer')
    try {
      const claims = await verifyByAny(
        [keys],
        async (find) => {
          const { payload } = await jwtVerify(token, find, {
            issuer: header.issuer,
            algorithms: [...asymmetricAlgorithms],
            clockTolerance: leeway,
            currentDate: new Date(clock.now()),
            requiredClaims: ['exp', 'iat'],
          })
          return payload
        },
        unavailable,
      )
      return { type: header.type, claims }
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error
      throw invalidToken(error.code)
    }
  }
  return {
    settings,
    async begin() {
      if ((await metadata()).authorization_endpoint === undefined) throw unavailable()
      const [state, nonce, verifier] = [randomState(), randomNonce(), randomPKCECodeVerifier()]
      const url = buildAuthorizationUrl(await configure(), {
        redirect_uri: redirectUri(),
        scope: settings.scopes.join(' '),
        state,
        nonce,
        code_challenge: await calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      })
      return { state, nonce, verifier, url: url.href }
    },
    async redeem(answer, { state, nonce, verifier }) {
      const configuration = await configure()
      const url = new URL(`${redirectUri()}?${answer.toString()}`)
      try {
        const tokens = await authorizationCodeGrant(configuration, url, {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
        })
        const idClaims: Claims = tokens.claims() ?? {}
        const hasUserInfo = configuration.serverMetadata().userinfo_endpoint !== undefined
        const userInfo = hasUserInfo
          ? await fetchUserInfo(configuration, tokens.access_token, String(idClaims['sub'])).catch(
              withoutUserInfo,
            )
          : {}
        // Some providers put roles into access tokens alone.
        const accessClaims = isSignedJwt(tokens.access_token)
          ? await verify(tokens.access_token).then(
              ({ claims }) => claims,
              () => ({}),
            )
          : {}
        return readIdentity(settings, [idClaims, userInfo, accessClaims])
      } catch (error) {
        if (error instanceof Problem) throw error
        throw refusalOf(error, log)
      }
    },
    async verifyAccessToken(token) {
      const { type, claims } = await verify(token)
      if (isOtherToken(claims) || !preset.isAccessToken(type, claims))
        throw invalidToken('it is no access token')
      if (!textsOf(claims[preset.audience]).includes(settings.audience))
        throw invalidToken('it is for another audience')
      const identity = readIdentity(settings, [claims])
      return { identity: { ...identity, isClient: preset.isOfClient(claims) }, claims }
    },
    async verifyLogoutToken(token) {
      const { type, claims } = await verify(token)
      const { aud, events, nonce, jti, exp } = claims
      const isForLogout =
        typeof events === 'object' && events !== null && Object.hasOwn(events, logoutEvent)
      if (type !== undefined && type !== 'logout+jwt' && type !== 'jwt')
        throw invalidToken('it is no logout token')
      if (!isForLogout || nonce !== undefined) throw invalidToken('it is no logout token')
      if (!textsOf(aud).includes(clientId)) throw invalidToken('it is for another audience')
      const id = nameIn(jti)
      const [subject, sid] = [nameIn(claims['sub']), nameIn(claims['sid'])]
      if (id === undefined || (subject === undefined && sid === undefined))
        throw invalidToken('it names no session')
      return { id, subject, sid, expiresAt: Number(exp) * 1000 }
    },
    async endSessionUrl(returnTo) {
      const { end_session_endpoint: endpoint } = await metadata()
      if (endpoint === undefined) return undefined
      return buildEndSessionUrl(await configure(), { post_logout_redirect_uri: returnTo }).href
    },
  }
}

/** `aud` is a text or a list of texts (RFC 7519 section 4.1.3). */
const textsOf = (claim: unknown): readonly unknown[] => (Array.isArray(claim) ? claim : [claim])

const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout'

/** Access tokens for an API are refused there by some providers, such as Entra. */
function withoutUserInfo(error: unknown): Claims {
  if (error instanceof WWWAuthenticateChallengeError) return {}
  throw error
}

const metadataForm = z.looseObject({
  issuer: z.string().min(1),
  jwks_uri: z.url(),
  // A provider that only issues tokens for the Admin API may have none.
  authorization_endpoint: z.url().optional(),
  token_endpoint: z.url().optional(),
  userinfo_endpoint: z.url().optional(),
  end_session_endpoint: z.url().optional(),
})

/** OpenID Connect Discovery section 4.3: the issuer must be the configured one. */
function checkMetadata(document: unknown, issuer: string): ServerMetadata & { jwks_uri: string } {
  const metadata = metadataForm.parse(document)
  if (metadata.issuer.replace(/\/$/, '') !== issuer.replace(/\/$/, ''))
    throw new Error(`the document names the issuer ${metadata.issuer}, not ${issuer}`)
  return metadata as ServerMetadata & { jwks_uri: string }
}

/** The provider is needed and does not answer as it should. Why is in the log. */
const unavailable = (): Problem =>
  new Problem('identity.provider_unavailable', 503, 'The identity provider is unavailable')

const invalidToken = (why: string): Problem =>
  new Problem('identity.token', 401, 'The token of the identity provider is not valid', {
    record: `The token of the identity provider is not valid: ${why}.`,
    headers: { 'www-authenticate': 'Bearer error="invalid_token"' },
  })

/** Why a response of the provider is refused: 401 where the person or the response is at fault. */
function refusalOf(error: unknown, log: Log): Problem {
  const reason =
    error instanceof AuthorizationResponseError || error instanceof ResponseBodyError
      ? error.error
      : error instanceof Error && 'code' in error
        ? String(error.code)
        : 'no usable response'
  const isOfAnswer =
    error instanceof AuthorizationResponseError ||
    reason === 'invalid_grant' ||
    ['OAUTH_INVALID_RESPONSE', 'OAUTH_JWT_CLAIM_COMPARISON_FAILED'].includes(reason)
  if (!isOfAnswer) {
    log.warn('sign-in: request to the identity provider failed', { error: reason })
    return unavailable()
  }
  const says = reason === 'access_denied' ? 'refused the sign-in' : `answered ${reason}`
  return new Problem('identity.provider_answer', 401, `The identity provider ${says}`)
}
