import { decodeJwt } from 'jose'
import { claimAt, wordsOf, type Claims } from '../../identity/claims.ts'
import type { PluginTools } from '../../proxy/plugin.ts'
import type { Client, IssuedTokens } from './open-client.ts'
import { openProvider, type Provider } from './open-provider.ts'
import type { Refusals } from './refusals.ts'
import type { Settings } from './settings.ts'
import { openVerifyToken, type VerifyToken } from './verify-token.ts'

/** Tokens of the provider for one that a client presents (RFC 8693). */
export type ExchangeToken = (token: string) => Promise<Exchanged | undefined>

export type Exchanged = { readonly subject: Claims; readonly tokens: IssuedTokens }

type Tools = Pick<PluginTools, 'http' | 'clock' | 'log' | 'id'> & {
  readonly provider: Provider
  readonly client: Client
  readonly verify: VerifyToken
  readonly refusals: Refusals
}

type Issuer = NonNullable<Settings['token_exchange']>['subject_token_issuers'][number]

/** Undefined where nothing is exchanged. A token that is not to be exchanged gives undefined too; one that is has been verified first. */
export function openExchangeToken(settings: Settings, tools: Tools): ExchangeToken | undefined {
  const { token_exchange: exchange } = settings
  if (exchange === null || exchange === undefined) return undefined
  const { provider, client, verify } = tools
  const others = new Map(
    exchange.subject_token_issuers.map((entry) => [
      entry.issuer,
      verifierOf(entry, settings, tools),
    ]),
  )
  return async (token) => {
    const claimed = decodeClaims(token)
    const entry = exchange.subject_token_issuers.find(({ issuer }) => issuer === claimed['iss'])
    if (entry === undefined) return undefined
    const isOwn = await provider.isAllowed(entry.issuer)
    if (isOwn && !meetsConditions(claimed, entry, settings)) return undefined
    const verifyToken = isOwn ? verify : (others.get(entry.issuer) ?? verify)
    const subject = await verifyToken(token)
    return { subject, tokens: await client.exchange(token) }
  }
}

/** Verifies by the keys of the issuer, and by no others. */
function verifierOf({ issuer, jwks_uri: keys }: Issuer, settings: Settings, tools: Tools) {
  const own: Settings = {
    ...settings,
    issuer,
    issuers_allowed: keys === null || keys === undefined ? null : [issuer],
    extra_jwks_uris: null,
    enable_hs_signatures: false,
  }
  const provider = openProvider(own, tools, keys ?? undefined)
  return openVerifyToken(own, provider, tools)
}

function decodeClaims(token: string): Claims {
  try {
    return decodeJwt(token)
  } catch {
    return {}
  }
}

/** Tokens of the provider itself are exchanged only where a condition says so. */
function meetsConditions(claims: Claims, { conditions }: Issuer, settings: Settings): boolean {
  if (conditions === null || conditions === undefined) return false
  const audience = wordsOf(claimAt([claims], settings.audience_claim))
  const scopes = wordsOf(claimAt([claims], settings.scopes_claim))
  const { has_audience, missing_audience, has_scopes, missing_scopes } = conditions
  const checks = [
    [has_audience, (word: string) => audience.includes(word)],
    [missing_audience, (word: string) => !audience.includes(word)],
    [has_scopes, (word: string) => scopes.includes(word)],
    [missing_scopes, (word: string) => !scopes.includes(word)],
  ] as const
  const given = checks.flatMap(([words, holds]) => (words ?? []).map(holds))
  return given.length > 0 && given.every(Boolean)
}
