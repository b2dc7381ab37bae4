import type { ServerMetadata } from 'openid-client'
import { z } from 'zod'
import type { HttpClient, PluginTools } from '../../proxy/plugin.ts'
import { openCachedDocument, type CachedDocument } from '../../lib/cached-document.ts'
import { parseKeySet, type KeySet } from '../../identity/verify-jwt.ts'
import { unavailable } from './refusals.ts'
import type { Settings } from './settings.ts'

/** Cached metadata and keys of an OpenID Connect provider. All methods reject with a Problem while the provider is needed and unavailable. */
export type Provider = {
  /** Its metadata, with the endpoints of the settings. */
  metadata(): Promise<ServerMetadata>
  isAllowed(issuer: string): Promise<boolean>
  /** The key sets that may verify tokens of an allowed issuer. */
  keySetsOf(issuer: string): Promise<readonly CachedDocument<KeySet>[]>
  /** Increases whenever a key set is another than before. Old ones are read again in the background. */
  keysVersion(): number
}

/** Milliseconds after which metadata and keys are read again. */
const maxAge = 5 * 60_000

/** Opens a provider; nothing is sent before the first token. With `onlyKeys` its keys are there and nothing is discovered. */
export function openProvider(
  settings: Settings,
  { http, clock, log, id }: Pick<PluginTools, 'http' | 'clock' | 'log' | 'id'>,
  onlyKeys?: string,
): Provider {
  const cooldown = settings.rediscovery_lifetime * 1000
  const { timeout, ssl_verify: verifiesTls } = settings
  const read = (url: string): Promise<unknown> => readJson(http, url, { timeout, verifiesTls })
  const onFailure = (url: string) => (error: unknown) =>
    log.warn('openid-connect: document of the provider unavailable', {
      plugin: id,
      url,
      error: String(error),
    })
  const discoveryUrl = discoveryUrlOf(settings.issuer)
  const discovery = openCachedDocument({
    read: async () => checkMetadata(metadataForm.parse(await read(discoveryUrl)), settings),
    clock,
    maxAge,
    cooldown,
    onFailure: onFailure(discoveryUrl),
  })
  let version = 0
  const keySets = new Map<string, CachedDocument<KeySet>>()
  const keySetAt = (url: string): CachedDocument<KeySet> => {
    const known = keySets.get(url)
    if (known !== undefined) return known
    let last: string | undefined
    const opened = openCachedDocument<KeySet>({
      read: async () => {
        const set = parseKeySet(await read(url))
        if (last !== set.text) version += 1
        last = set.text
        return set
      },
      clock,
      maxAge,
      cooldown,
      onFailure: onFailure(url),
    })
    keySets.set(url, opened)
    return opened
  }
  const discovered = async (): Promise<ServerMetadata> => {
    try {
      return await discovery.get()
    } catch {
      throw unavailable()
    }
  }
  const issuers = async (): Promise<readonly string[]> =>
    settings.issuers_allowed ?? [(await discovered()).issuer]
  const extra = settings.extra_jwks_uris ?? []
  return {
    async metadata() {
      const found = await discovered()
      return { ...found, ...ownEndpoints(settings) }
    },
    isAllowed: async (issuer) => (await issuers()).includes(issuer),
    async keySetsOf(issuer) {
      if (onlyKeys !== undefined) return [keySetAt(onlyKeys)]
      const allowed = await issuers()
      const own = extra.filter((url) => ownersOf(url, allowed)?.includes(issuer) === true)
      const shared = extra.filter((url) => ownersOf(url, allowed) === undefined)
      if (own.length > 0 && issuer !== settings.issuer) return [...own, ...shared].map(keySetAt)
      const { jwks_uri: main } = await discovered()
      return [...(main === undefined ? [] : [main]), ...own, ...shared].map(keySetAt)
    },
    keysVersion() {
      for (const set of keySets.values()) set.renew()
      return version
    },
  }
}

/** The only issuers of a key set; undefined if unknown. */
function ownersOf(url: string, issuers: readonly string[]): readonly string[] | undefined {
  const within = issuers.filter((issuer) => url.startsWith(`${issuer.replace(/\/$/, '')}/`))
  if (within.length > 0) return within
  const beside = issuers.filter(
    (issuer) => URL.canParse(issuer) && new URL(issuer).origin === new URL(url).origin,
  )
  return beside.length > 0 ? beside : undefined
}

const discoveryUrlOf = (issuer: string): string =>
  issuer.includes('/.well-known/')
    ? issuer
    : `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`

const endpoint = z.string().optional()

const metadataForm = z.looseObject({
  issuer: z.string().min(1),
  jwks_uri: z.url().optional(),
  authorization_endpoint: endpoint,
  authorization_response_iss_parameter_supported: z.boolean().optional(),
  end_session_endpoint: endpoint,
  token_endpoint: endpoint,
  introspection_endpoint: endpoint,
  revocation_endpoint: endpoint,
  userinfo_endpoint: endpoint,
})

/** OpenID Connect Discovery section 4.3: the issuer must be the configured one. */
function checkMetadata(
  metadata: z.output<typeof metadataForm>,
  { issuer, issuers_allowed: allowed }: Settings,
): ServerMetadata {
  const isExpected =
    issuer.includes('/.well-known/') ||
    metadata.issuer.replace(/\/$/, '') === issuer.replace(/\/$/, '') ||
    allowed?.includes(metadata.issuer) === true
  if (!isExpected)
    throw new Error(
      `the document names the issuer ${metadata.issuer}; list it in issuers_allowed if that is meant`,
    )
  return metadata as ServerMetadata
}

const ownEndpoints = (settings: Settings): Partial<ServerMetadata> =>
  Object.fromEntries(
    (
      [
        'authorization_endpoint',
        'end_session_endpoint',
        'token_endpoint',
        'introspection_endpoint',
        'userinfo_endpoint',
        'revocation_endpoint',
      ] as const
    ).flatMap((name) => (settings[name] === null ? [] : [[name, settings[name]]])),
  )

async function readJson(
  http: HttpClient,
  url: string,
  options: { readonly timeout: number; readonly verifiesTls: boolean },
): Promise<unknown> {
  const response = await http(url, { headers: { Accept: 'application/json' }, ...options })
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}`)
  return response.json()
}
