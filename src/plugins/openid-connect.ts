import { Problem } from '../lib/problem.ts'
import type { Exchange } from '../proxy/exchange.ts'
import {
  definePlugin,
  type PluginResult,
  type PluginTools,
  type SharedValues,
  type ValueSource,
} from '../proxy/plugin.ts'
import {
  addPresentedSecrets,
  addSecretParameters,
  openAuthentication,
  setCaller,
} from './authentication/open-authentication.ts'
import {
  openAuthenticator,
  type Authenticator,
  type Evidence,
} from './openid-connect/authenticate.ts'
import { hideCookies } from './authentication/browser-cookies.ts'
import {
  openBrowserSessions,
  type BrowserSessions,
} from './openid-connect/sessions/browser-session.ts'
import { openClientChoice, settingsOfClients } from './openid-connect/choose-client.ts'
import { openExchangeToken } from './openid-connect/exchange-token.ts'
import {
  findInHead,
  hideCredentials,
  isFound,
  mayHoldCredentials,
  readForm,
  secretParametersOf,
  type Credentials,
  type Form,
} from './openid-connect/find-credentials.ts'
import { openForwardHeaders } from './openid-connect/forward-headers.ts'
import { openIdentification } from './openid-connect/identify-caller.ts'
import { openClient } from './openid-connect/open-client.ts'
import { openPossession } from './openid-connect/possession.ts'
import { openProvider } from './openid-connect/open-provider.ts'
import { openRefusals } from './openid-connect/refusals.ts'
import { settings, type Settings } from './openid-connect/settings.ts'
import { acceptedSettings } from './openid-connect/accepted-settings.ts'
import { openVerifyToken } from './openid-connect/verify-token.ts'
import { addressOf } from './redis/connection-settings.ts'

export const openidConnect = definePlugin({
  name: 'openid-connect',
  about: 'Authenticates callers by an OpenID Connect provider.',
  identifies: true,
  acceptsTokens: true,
  // It determines the consumer.
  withoutScopes: ['consumer', 'consumer_group'],
  settings,
  acceptedSettings,
  // Any certificate will do: the token has its hash.
  trustedAuthorities: ({ proof_of_possession_mtls: mtls }) =>
    mtls === 'optional' || mtls === 'strict' ? [] : undefined,
  prepare(settings, tools) {
    const refusals = openRefusals(settings)
    const provider = openProvider(settings, tools)
    const verify = openVerifyToken(settings, provider, { clock: tools.clock, refusals })
    const headers = openForwardHeaders(settings)
    const secretParameters = secretParametersOf(settings)
    const inRedis = openRedis(settings, tools)
    const values = inRedis ?? namedValues(tools.sharedValues)
    const { clock, log } = tools
    const open = (own: Settings) => {
      const client = openClient(own, provider, { ...tools, refusals })
      const exchange = openExchangeToken(own, { ...tools, provider, client, verify, refusals })
      const ids = settings.client_id ?? []
      const common = { provider, client, refusals, clock }
      return {
        authenticator: openAuthenticator(own, { ...common, verify, exchange }),
        browsers: openBrowsers(own, { ...common, ids, log, values }),
      }
    }
    const [first, ...others] = settingsOfClients(settings)
    const clients = [open(first), ...others.map(open)] as const
    const choose = openClientChoice(settings)
    const authentication = openAuthentication('openid-connect', settings.anonymous, tools)
    const identify = openIdentification(settings, tools)
    const possession = openPossession(settings, { clock, values, refusals })
    const answered = new WeakMap<Exchange, Evidence>()

    const accept = (exchange: Exchange, evidence: Evidence, form: Form | undefined): void => {
      const { caller, forbidden } = identify(exchange, evidence)
      if (forbidden === 'no_consumer' && settings.anonymous !== null)
        return admitAnonymous(exchange, refusals.forbidden(forbidden), form)
      setCaller(exchange, caller, headerSafe(caller.credential))
      if (forbidden !== undefined) throw refusals.forbidden(forbidden)
      if (settings.hide_credentials) hideCredentials(exchange, form, settings)
      headers.add(exchange, evidence)
      if (headers.isInResponse) answered.set(exchange, evidence)
    }
    const admitAnonymous = (exchange: Exchange, problem: Problem, form: Form | undefined): void => {
      authentication.refuse(exchange, problem)
      if (settings.hide_credentials) hideCredentials(exchange, form, settings)
    }
    const authenticate = async (
      exchange: Exchange,
      authenticator: Authenticator,
      credentials: Credentials,
      form: Form | undefined,
    ): Promise<void> => {
      rememberSecrets(exchange, credentials)
      let evidence: Evidence
      try {
        evidence = await authenticator.authenticate(credentials)
        await provePossession(exchange, evidence, credentials)
      } catch (error) {
        if (!(error instanceof Problem) || error.status !== 401) throw error
        return admitAnonymous(exchange, error, form)
      }
      accept(exchange, evidence, form)
    }
    const provePossession = (
      exchange: Exchange,
      evidence: Evidence,
      { token, scheme }: Credentials,
    ): Promise<void> | undefined =>
      token === undefined ? undefined : possession?.check(exchange, evidence, scheme ?? 'bearer')
    const byCredentials = (
      exchange: Exchange,
      authenticator: Authenticator,
      credentials = findInHead(exchange, settings),
    ): void | Promise<void> => {
      if (credentials.token !== undefined && possession === undefined) {
        const evidence = authenticator.known(credentials.token)
        if (evidence !== undefined) {
          rememberSecrets(exchange, credentials)
          return accept(exchange, evidence, undefined)
        }
      }
      if (isFound(credentials) || !mayHoldCredentials(exchange, settings))
        return authenticate(exchange, authenticator, credentials, undefined)
      return readForm(exchange.body, settings).then((form) =>
        authenticate(exchange, authenticator, form?.credentials ?? credentials, form),
      )
    }
    const byBrowser = (
      exchange: Exchange,
      sessions: BrowserSessions,
      authenticator: Authenticator,
    ): PluginResult => {
      const own = sessions.answer(exchange)
      if (own !== undefined) return own
      const session = sessions.find(exchange)
      if (session instanceof Promise)
        return session.then((found) => bySession(exchange, sessions, authenticator, found))
      return bySession(exchange, sessions, authenticator, session)
    }
    const bySession = (
      exchange: Exchange,
      sessions: BrowserSessions,
      authenticator: Authenticator,
      session: Evidence | undefined,
    ): PluginResult => {
      if (session !== undefined) return accept(exchange, session, undefined)
      const credentials = findInHead(exchange, settings)
      const canSignIn = settings.anonymous === null && !isFound(credentials)
      const signIn = canSignIn ? sessions.signIn(exchange) : undefined
      return signIn ?? byCredentials(exchange, authenticator, credentials)
    }
    return {
      onRequest(exchange) {
        if (isReplayed(exchange)) return
        headers.remove(exchange)
        if (!settings.run_on_preflight && exchange.request.method === 'OPTIONS') return
        addSecretParameters(exchange, secretParameters)
        if (authentication.isSettled(exchange)) return
        const { authenticator, browsers } = clients[choose(exchange)] ?? clients[0]
        if (browsers === undefined) return byCredentials(exchange, authenticator)
        hideCookies(exchange, [settings.session_cookie_name, settings.authorization_cookie_name])
        return byBrowser(exchange, browsers, authenticator)
      },
      onResponse(exchange) {
        const evidence = answered.get(exchange)
        if (evidence !== undefined) headers.addToResponse(exchange, evidence)
      },
      close: () => inRedis?.close(),
    }
  },
})

/** Undefined where only programs call. */
function openBrowsers(
  settings: Settings,
  tools: Parameters<typeof openBrowserSessions>[1],
): BrowserSessions | undefined {
  const methods: readonly string[] = settings.auth_methods
  const isNeeded = methods.includes('session') || methods.includes('authorization_code')
  return isNeeded ? openBrowserSessions(settings, tools) : undefined
}

/** Undefined when the workers of this node share values without Redis. */
function openRedis(
  { session_storage: storage, redis }: Settings,
  { redisValues }: Pick<PluginTools, 'redisValues'>,
): ValueSource | undefined {
  if (storage !== 'redis' || redis === null) return undefined
  return redisValues(addressOf(redis), `${redis.prefix ?? ''}weir:openid-connect:`)
}

/** Other plugins share values too. */
const namedValues = ({ get, set, add, extend, delete: remove }: SharedValues): SharedValues => ({
  get: (key) => get(`openid-connect:${key}`),
  set: (key, value, milliseconds) => set(`openid-connect:${key}`, value, milliseconds),
  add: (key, value, milliseconds) => add(`openid-connect:${key}`, value, milliseconds),
  extend: (key, milliseconds) => extend(`openid-connect:${key}`, milliseconds),
  delete: (key) => remove(`openid-connect:${key}`),
})

/** A preview replays requests with their recorded callers. */
const isReplayed = ({ caller }: Exchange): boolean => caller?.method === 'openid-connect'

/** The event has them nowhere. */
function rememberSecrets(exchange: Exchange, { token, refreshToken, basic }: Credentials): void {
  const secret = token ?? refreshToken ?? basic?.secret
  if (secret !== undefined) addPresentedSecrets(exchange, [secret])
}

/** Identifiers of credentials come from tokens. */
const headerSafe = (text: string): string => (/^[\x21-\x7e]*$/.test(text) ? text : '')
