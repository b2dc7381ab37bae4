import type { KeyObject } from 'node:crypto'
import { z } from 'zod'
import { optional } from '../entities/fields.ts'
import type { Clock } from '../lib/clock.ts'
import { Problem } from '../lib/problem.ts'
import type { FoundCredential } from '../proxy/directory.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { definePlugin, type PluginAnswer } from '../proxy/plugin.ts'
import {
  addPresentedSecrets,
  addSecretParameters,
  challenge,
  openAuthentication,
} from './authentication/open-authentication.ts'
import { previousSecrets } from './authentication/previous-secrets.ts'
import { anonymousSetting, realmSetting } from './authentication/settings.ts'
import { decodeToken, isSignedBy, readPublicKey, type DecodedToken } from './jwt/verify-token.ts'

const names = z.array(z.string().min(1))

const settings = z.strictObject({
  uri_param_names: names
    .default(['jwt'])
    .describe('Names of query parameters that may contain the token.'),
  cookie_names: names.default([]).describe('Names of cookies that may contain the token.'),
  key_claim_name: z
    .string()
    .min(1)
    .default('iss')
    .describe('Name of the claim, or of the header member, that selects the credential.'),
  secret_is_base64: z.boolean().default(false).describe('Shared secrets are base64 encoded.'),
  claims_to_verify: optional(z.array(z.enum(['exp', 'nbf']))).describe(
    'Claims that tokens must have. A token that has them is refused when it has expired or is not valid yet, whether they are required or not; Kong verifies required ones only.',
  ),
  anonymous: anonymousSetting('a valid token'),
  run_on_preflight: z.boolean().default(true).describe('Authenticate OPTIONS requests too.'),
  maximum_expiration: z
    .number()
    .min(0)
    .max(31_536_000)
    .default(0)
    .describe(
      'Maximum time until the expiry of a token, in seconds; 0 for any. Requires exp in `claims_to_verify`.',
    ),
  header_names: names
    .default(['authorization'])
    .describe('Names of headers that may contain the token, after `Bearer`.'),
  realm: realmSetting(),
})

type Settings = z.output<typeof settings>

const acceptedSettings = settings.superRefine(
  ({ maximum_expiration: most, claims_to_verify: claims }, context) => {
    if (most === 0 || claims?.includes('exp') === true) return
    context.addIssue({
      code: 'custom',
      input: claims,
      path: ['claims_to_verify'],
      message: 'expected to contain: exp',
    })
    context.addIssue({
      code: 'custom',
      input: most,
      path: [],
      message: `failed conditional validation given value of field 'config.maximum_expiration'`,
    })
  },
)

export const jwt = definePlugin({
  name: 'jwt',
  about: 'Authenticates consumers by JSON Web Tokens that they sign.',
  identifies: true,
  withoutScopes: ['consumer', 'consumer_group'],
  settings,
  acceptedSettings,
  prepare(settings, tools) {
    const { anonymous, realm } = settings
    const authentication = openAuthentication('jwt', anonymous, tools)
    const base = challenge('Bearer', realm)
    const invalid = {
      'WWW-Authenticate': `${base}${realm === null ? '' : ','} error="invalid_token"`,
    }
    const refuseWith = (exchange: Exchange, message: string): void =>
      authentication.refuse(
        exchange,
        new Problem('jwt.invalid', 401, message, { headers: invalid }),
      )
    const isVerified = openVerifiedTokens(settings)
    const verifiersOf = openVerifiers(tools.clock)
    /** The credential that a token names, or the reason why there is none. */
    const findCredential = (
      { claims, header }: DecodedToken,
      exchange: Exchange,
    ): FoundCredential<'jwts'> | string => {
      const name = settings.key_claim_name
      const key = claims[name] ?? header[name]
      if (key === undefined || key === null) return `No mandatory '${name}' in claims`
      if (typeof key !== 'string' || key === '') return `Invalid '${name}' in claims`
      const found = tools.findCredential(exchange, 'jwts', key)
      if (found === undefined) return `No credentials found for given '${name}'`
      return header['alg'] === found.credential.algorithm ? found : 'Invalid algorithm'
    }
    const authenticate = (exchange: Exchange): void | PluginAnswer => {
      const [token, ...others] = findTokens(exchange, settings)
      if (token === undefined) {
        const headers = { 'WWW-Authenticate': base }
        const problem = new Problem('jwt.no_token', 401, 'Unauthorized', { headers })
        return authentication.refuse(exchange, problem)
      }
      addPresentedSecrets(exchange, [token, ...others])
      if (others.length > 0) return refuseWith(exchange, 'Multiple tokens provided')
      const decoded = decodeToken(token)
      if (typeof decoded === 'string') return refuseWith(exchange, `Bad token; ${decoded}`)
      const found = findCredential(decoded, exchange)
      if (typeof found === 'string') return refuseWith(exchange, found)
      if (!verifiersOf(found.credential).some((one) => isVerified(token, decoded, one)))
        return refuseWith(exchange, 'Invalid signature')
      const wrong = wrongClaims(decoded.claims, settings, tools.clock.now() / 1000)
      if (wrong !== undefined) return refuseClaims(exchange, wrong)
      const { consumer, credential } = found
      const accepted = { consumer, credential: credential.id, identifier: credential.key }
      return authentication.accept(exchange, accepted)
    }
    /** As in Kong, the body contains an error for each claim. */
    const refuseClaims = (exchange: Exchange, wrong: WrongClaims): void | PluginAnswer => {
      const headers = { ...invalid, 'Content-Type': 'application/json; charset=utf-8' }
      const sentence = Object.entries(wrong).map((pair) => pair.join(' '))
      const refusal = new Problem('jwt.claims', 401, sentence.join(', '))
      if (anonymous === null) return { status: 401, headers, body: JSON.stringify(wrong), refusal }
      return authentication.refuse(exchange, refusal)
    }
    return {
      onRequest(exchange) {
        if (!settings.run_on_preflight && exchange.request.method === 'OPTIONS') return undefined
        addSecretParameters(exchange, settings.uri_param_names)
        return authentication.isSettled(exchange) ? undefined : authenticate(exchange)
      },
    }
  },
})

/** The different tokens of a request, from query parameters, cookies and headers. */
function findTokens({ request }: Exchange, settings: Settings): string[] {
  const tokens = new Set<string>()
  if (request.query !== '') {
    const parameters = new URLSearchParams(request.query)
    for (const name of settings.uri_param_names)
      for (const token of parameters.getAll(name)) tokens.add(token)
  }
  for (const name of settings.cookie_names)
    for (const token of cookiesNamed(name, request.headers.all('cookie'))) tokens.add(token)
  for (const name of settings.header_names) {
    const [, token] =
      /^\s*bearer\s+(\S+)\s*$/i.exec(request.headers.get(name.toLowerCase()) ?? '') ?? []
    if (token !== undefined) tokens.add(token)
  }
  tokens.delete('')
  return [...tokens]
}

const cookiesNamed = (name: string, fields: readonly string[]): string[] =>
  fields.flatMap((field) =>
    field
      .split(';')
      .map((pair) => pair.trim())
      .filter((pair) => pair.startsWith(`${name}=`))
      .map((pair) => pair.slice(name.length + 1)),
  )

type WrongClaims = Readonly<Record<string, string>>

function wrongClaims(
  claims: DecodedToken['claims'],
  { claims_to_verify: required, maximum_expiration: most }: Settings,
  now: number,
): WrongClaims | undefined {
  const wrong: Record<string, string> = {}
  for (const name of ['exp', 'nbf'] as const) {
    const value = claims[name]
    if (value === undefined && required?.includes(name) !== true) continue
    const complaint =
      typeof value === 'number' ? complaints[name](value, now, most) : 'must be a number'
    if (complaint !== undefined) wrong[name] = complaint
  }
  return Object.keys(wrong).length === 0 ? undefined : wrong
}

/** Kong's messages. */
const complaints = {
  exp(value: number, now: number, most: number) {
    if (value <= now) return 'token expired'
    return most > 0 && value - now > most ? 'exceeds maximum allowed expiration' : undefined
  },
  nbf: (value: number, now: number) => (value > now ? 'token not valid yet' : undefined),
}

type JwtCredential = FoundCredential<'jwts'>['credential']
type Verifier = Pick<JwtCredential, 'algorithm' | 'secret' | 'rsa_public_key'>

/** A credential with the secret or key that it had before, the same object as long as the credential is. */
function openVerifiers(clock: Clock): (credential: JwtCredential) => readonly Verifier[] {
  const known = new WeakMap<JwtCredential, Verifier>()
  return (credential) => {
    const [secret] = previousSecrets(credential, clock.now())
    if (secret === undefined) return [credential]
    const { algorithm } = credential
    const previous = known.get(credential) ?? { algorithm, secret, rsa_public_key: secret }
    known.set(credential, previous)
    return [credential, previous]
  }
}

/** Remembers the tokens whose signature was verified, with the credential that verified them. Only valid tokens are remembered: guesses must not fill the cache. */
function openVerifiedTokens({ secret_is_base64: isBase64 }: Settings) {
  const keys = new WeakMap<Verifier, KeyObject | Buffer>()
  const keyOf = (credential: Verifier): KeyObject | Buffer | undefined => {
    const known = keys.get(credential)
    if (known !== undefined) return known
    const { algorithm, secret, rsa_public_key: pem } = credential
    const key = algorithm.startsWith('HS')
      ? Buffer.from(secret ?? '', isBase64 ? 'base64' : 'utf8')
      : readPublicKey(pem ?? '')
    // With an empty secret anyone could sign.
    if (key === undefined || (Buffer.isBuffer(key) && key.length === 0)) return undefined
    keys.set(credential, key)
    return key
  }
  let recent = new Map<string, Verifier>()
  let older = new Map<string, Verifier>()
  return (token: string, decoded: DecodedToken, credential: Verifier): boolean => {
    if ((recent.get(token) ?? older.get(token)) === credential) return true
    const key = keyOf(credential)
    if (key === undefined || !isSignedBy(decoded, credential.algorithm, key)) return false
    if (token.length > maxRememberedLength) return true
    if (recent.size >= maxRemembered) [older, recent] = [recent, new Map()]
    recent.set(token, credential)
    return true
  }
}

const maxRemembered = 2_000
const maxRememberedLength = 4_096
