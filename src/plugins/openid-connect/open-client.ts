import {
  allowInsecureRequests,
  authorizationCodeGrant,
  AuthorizationResponseError,
  buildAuthorizationUrl,
  buildEndSessionUrl,
  calculatePKCECodeChallenge,
  clientCredentialsGrant,
  ClientSecretBasic,
  ClientSecretJwt,
  ClientSecretPost,
  clockTolerance,
  Configuration,
  customFetch,
  enableNonRepudiationChecks,
  fetchUserInfo,
  genericGrantRequest,
  None,
  randomNonce,
  randomPKCECodeVerifier,
  refreshTokenGrant,
  ResponseBodyError,
  skipSubjectCheck,
  tokenIntrospection,
  tokenRevocation,
  WWWAuthenticateChallengeError,
  type ClientAuth,
} from 'openid-client'
import { Problem } from '../../lib/problem.ts'
import type { PluginTools } from '../../proxy/plugin.ts'
import { nameIn, type Claims } from '../../identity/claims.ts'
import { guardedFetch } from '../../identity/guarded-fetch.ts'
import type { Provider } from './open-provider.ts'
import { unavailable, type Refusals } from './refusals.ts'
import type { Settings } from './settings.ts'

/** Tokens that the provider issued. */
export type IssuedTokens = {
  readonly accessToken: string
  readonly idToken: string | undefined
  /** Claims of the ID token, which came from the provider itself. */
  readonly idClaims: Claims | undefined
  readonly refreshToken: string | undefined
  /** Seconds until the access token expires; undefined where the provider does not say. */
  readonly expiresIn: number | undefined
}

/** Requests of the gateway as a client of the provider. They reject with a Problem: 401 where the provider refuses the credentials of the caller, else 503. */
export type Client = {
  password(name: string, password: string): Promise<IssuedTokens>
  clientCredentials(id: string, secret: string): Promise<IssuedTokens>
  refresh(refreshToken: string): Promise<IssuedTokens>
  /** Exchanges the token of a caller for one of the provider (RFC 8693). */
  exchange(token: string): Promise<IssuedTokens>
  /** The answer for an active token. */
  introspect(token: string): Promise<Claims>
  userInfo(token: string, subject: unknown): Promise<Claims>
  /** Authorization URL, and the expected values of its response. PKCE is always used. */
  authorizationUrl(
    redirectUri: string,
    state: string,
  ): Promise<{ readonly url: string; readonly nonce: string; readonly verifier: string }>
  /** Redeems the code in the address to which the provider sent the person back. */
  redeem(url: URL, expected: ExpectedAnswer): Promise<IssuedTokens>
  /** RFC 7009; does nothing where the provider has no such endpoint. */
  revoke(token: string, hint: 'access_token' | 'refresh_token'): Promise<void>
  /** Logout URL of the provider; undefined if it has none. */
  endSession(idToken: string | undefined, returnTo: string | undefined): Promise<string | undefined>
}

export type ExpectedAnswer = {
  readonly state: string
  readonly nonce: string
  readonly verifier: string
}

export function openClient(
  settings: Settings,
  provider: Provider,
  { http, log, id, refusals }: Pick<PluginTools, 'http' | 'log' | 'id'> & { refusals: Refusals },
): Client {
  const { timeout, ssl_verify: verifiesTls } = settings
  const [clientId = ''] = settings.client_id ?? []
  const [clientSecret] = settings.client_secret ?? []
  const configure = async (client: string, authentication: ClientAuth): Promise<Configuration> => {
    const configuration = new Configuration(
      await provider.metadata(),
      client,
      { [clockTolerance]: settings.leeway },
      authentication,
    )
    configuration[customFetch] = guardedFetch(http, { timeout, verifiesTls })
    // Whether the provider has TLS is decided by its configured address.
    allowInsecureRequests(configuration)
    return configuration
  }
  const asGateway = (): Promise<Configuration> =>
    configure(clientId, authenticationOf(settings.client_auth?.[0], clientSecret))
  /** Turns failures into problems; `refusedBy` are the errors that say that the caller's credentials are wrong. */
  const request = async <Answer>(
    what: string,
    refusedBy: readonly string[],
    send: () => Promise<Answer>,
  ): Promise<Answer> => {
    try {
      return await send()
    } catch (error) {
      if (error instanceof Problem) throw error
      if (isRefusal(error, refusedBy)) throw refusals.unauthorized('refused')
      log.warn('openid-connect: request to the provider failed', {
        plugin: id,
        request: what,
        error: describe(error),
      })
      throw unavailable()
    }
  }
  const parameters = (): Record<string, string> => ({
    ...(settings.scopes.length === 0 ? {} : { scope: settings.scopes.join(' ') }),
    ...(settings.audience === null ? {} : { audience: settings.audience.join(' ') }),
  })
  return {
    password: (username, password) =>
      request('password', ['invalid_grant'], async () =>
        issued(
          await genericGrantRequest(await asGateway(), 'password', {
            ...parameters(),
            username,
            password,
          }),
        ),
      ),
    clientCredentials: (client, secret) =>
      request('client_credentials', ['invalid_client', 'unauthorized_client'], async () => {
        const authentication = authenticationOf(settings.client_auth?.[0], secret)
        const configuration = await configure(client, authentication)
        return issued(await clientCredentialsGrant(configuration, parameters()))
      }),
    refresh: (refreshToken) =>
      request('refresh_token', ['invalid_grant'], async () =>
        issued(await refreshTokenGrant(await asGateway(), refreshToken)),
      ),
    exchange: (token) =>
      request(
        'token_exchange',
        ['invalid_grant', 'invalid_request', 'invalid_target', 'access_denied'],
        async () =>
          issued(
            await genericGrantRequest(await asGateway(), exchangeGrant, {
              ...exchangeParameters(settings),
              subject_token: token,
              subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
            }),
          ),
      ),
    introspect: (token) =>
      request('introspection', [], async () => {
        const hint = { token_type_hint: settings.introspection_hint }
        const answer = await tokenIntrospection(await asGateway(), token, hint)
        if (!answer.active) throw refusals.unauthorized('inactive')
        return answer
      }),
    userInfo: (token, subject) =>
      request('userinfo', ['invalid_token'], async () =>
        fetchUserInfo(await asGateway(), token, nameIn(subject) ?? skipSubjectCheck),
      ),
    authorizationUrl: (redirectUri, state) =>
      request('authorization', [], async () => {
        const [nonce, verifier] = [randomNonce(), randomPKCECodeVerifier()]
        const url = buildAuthorizationUrl(await asGateway(), {
          ...parameters(),
          redirect_uri: redirectUri,
          state,
          nonce,
          code_challenge: await calculatePKCECodeChallenge(verifier),
          code_challenge_method: 'S256',
        })
        return { url: url.href, nonce, verifier }
      }),
    redeem: (url, { state, nonce, verifier }) =>
      request('authorization_code', ['invalid_grant'], async () => {
        const configuration = await asGateway()
        // The signature of the ID token is verified too: the connection may have no TLS.
        enableNonRepudiationChecks(configuration)
        try {
          return issued(
            await authorizationCodeGrant(configuration, url, {
              expectedState: state,
              expectedNonce: nonce,
              pkceCodeVerifier: verifier,
              idTokenExpected: true,
            }),
          )
        } catch (error) {
          if (isOfAnswer(error)) throw refusals.unauthorized('sign_in')
          throw error
        }
      }),
    revoke: (token, hint) =>
      request('revocation', [], async () => {
        const { revocation_endpoint: endpoint } = await provider.metadata()
        if (endpoint === undefined) return
        await tokenRevocation(await asGateway(), token, { token_type_hint: hint })
      }),
    async endSession(idToken, returnTo) {
      const { end_session_endpoint: endpoint } = await provider.metadata()
      if (endpoint === undefined) return undefined
      const hint = idToken === undefined ? {} : { id_token_hint: idToken }
      const back = returnTo === undefined ? {} : { post_logout_redirect_uri: returnTo }
      return buildEndSessionUrl(await asGateway(), { ...hint, ...back }).href
    },
  }
}

/** Whether the answer that a browser brought is wrong, and not the provider. */
const isOfAnswer = (error: unknown): boolean =>
  error instanceof AuthorizationResponseError ||
  (error instanceof Error &&
    'code' in error &&
    ['OAUTH_INVALID_RESPONSE', 'OAUTH_JWT_CLAIM_COMPARISON_FAILED'].includes(String(error.code)))

type Issued = Awaited<ReturnType<typeof clientCredentialsGrant>>

const issued = (response: Issued): IssuedTokens => ({
  accessToken: response.access_token,
  idToken: response.id_token,
  idClaims: response.claims(),
  refreshToken: response.refresh_token,
  expiresIn: response.expires_in,
})

const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'

function exchangeParameters({ scopes, audience, token_exchange: exchange }: Settings) {
  const request = exchange?.request ?? {}
  const scope = request.empty_scopes === true ? [] : (request.scopes ?? scopes)
  const target = request.empty_audience === true ? [] : (request.audience ?? audience ?? [])
  return {
    ...(scope.length === 0 ? {} : { scope: scope.join(' ') }),
    ...(target.length === 0 ? {} : { audience: target.join(' ') }),
  }
}

function authenticationOf(
  method: NonNullable<Settings['client_auth']>[number] | undefined,
  secret: string | undefined,
): ClientAuth {
  if (secret === undefined || method === 'none') return None()
  if (method === 'client_secret_post') return ClientSecretPost(secret)
  if (method === 'client_secret_jwt') return ClientSecretJwt(secret)
  return ClientSecretBasic(secret)
}

function isRefusal(error: unknown, codes: readonly string[]): boolean {
  if (error instanceof ResponseBodyError) return codes.includes(error.error)
  if (!(error instanceof WWWAuthenticateChallengeError)) return false
  return error.status === 401 && codes.length > 0
}

/** Without the cause, which has parts of responses. */
function describe(error: unknown): string {
  if (error instanceof ResponseBodyError) return `${error.status} ${error.error}`
  const { message, code } = error as Error & { code?: unknown }
  return typeof code === 'string' ? `${code}: ${message}` : message
}
