import { readFileSync } from 'node:fs'
import { availableParallelism, hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { parseNetwork } from '../lib/egress.ts'
import { pathPatternError, strategies, type RouteValidation } from '../control/route-validation.ts'
import type { PlaneSettings } from '../planes/plane-settings.ts'
import { answerHeaderNames, parseAnswerHeaders } from '../proxy/exchange-settings.ts'
import { defaultAdmissionLimits, defaultTargetLimits } from '../proxy/limits.ts'
import { environmentWith, readVersion } from './environment.ts'
import {
  address,
  addressBlocks,
  controlAddresses,
  onOrOff,
  portMaps,
  proxyAddress,
  realIpHeader,
  streamAddresses,
} from './listen-settings.ts'
import { providerVariables, readProvider } from './provider-settings.ts'
import type { SpoolLimit } from '../telemetry/open-spool-limit.ts'
import { SettingsError } from './settings-error.ts'
import { cipherSuite, protocols, readCertificates, readTls } from './tls-settings.ts'

/** The directory of the program. */
const root = resolve(import.meta.dirname, '../..')

const wholeNumber = (fallback: number, min: number, max: number) =>
  z.coerce
    .number({ error: 'expected a number' })
    .int({ error: 'expected a whole number' })
    .min(min, { error: `expected at least ${min}` })
    .max(max, { error: `expected at most ${max}` })
    .default(fallback)

/** Networks, comma-separated: an address or CIDR, with an optional port (`10.0.0.0/8`, `127.0.0.1:8001`, `[fd00::]/8`, `[::1]:8001`). */
const networks = z
  .string()
  .transform((text, context) =>
    text.split(',').map((part) => {
      const network = parseNetwork(part.trim())
      if (network !== undefined) return network
      const message = `'${part.trim()}' is not an address or CIDR, such as 10.0.0.0/8 or [fd00::]/8`
      context.addIssue({ code: 'custom', message })
      return z.NEVER
    }),
  )
  .default([])

/** Receivers of notifications, comma-separated: a workspace or `*`, and a URL (`orders=https://bi.example.com/hook`). */
const webhooks = z
  .string()
  .transform((text, context) =>
    text.split(',').map((part) => {
      const [, workspace = '', url = ''] = /^\s*([^=]+)=(.+?)\s*$/.exec(part) ?? []
      if (/^https?:/.test(url) && URL.canParse(url)) return { workspace, url }
      const message = `'${part.trim()}' is not WORKSPACE=URL, such as orders=https://bi.example.com/hook`
      context.addIssue({ code: 'custom', message })
      return z.NEVER
    }),
  )
  .default([])

/** Paths, comma-separated. */
const directories = z
  .string()
  .transform((text) => text.split(',').map((part) => resolve(part.trim())))
  .default([])

const name = (fallback: string) =>
  z
    .string()
    .regex(/^[\w.-]{1,100}$/, { error: 'expected letters, digits, dots and dashes' })
    .default(fallback)

const environment = z.object({
  WEIR_PLANE: z
    .enum(['gateway', 'control'], {
      error: ({ input }) =>
        input === 'sidecar'
          ? 'the sidecar plane is not implemented yet; expected gateway or control'
          : 'expected gateway or control',
    })
    .optional(),
  WEIR_CONTROL_URL: z
    .url({ protocol: /^https?$/, error: 'expected http(s)://host:port' })
    .transform((url) => url.replace(/\/+$/, ''))
    .optional(),
  WEIR_JOIN_TOKEN: z.string().optional(),
  WEIR_JOIN_TOKEN_FILE: z.string().optional(),
  WEIR_DATA: z.string().min(1).default('./data'),
  WEIR_PROXY_LISTEN: proxyAddress('0.0.0.0:8000'),
  WEIR_PROXY_SSL_LISTEN: z.union([z.literal('off'), proxyAddress('0.0.0.0:8443')], {
    error: 'expected HOST:PORT, then proxy_protocol or nothing, such as 0.0.0.0:8443, or off',
  }),
  WEIR_STREAM_LISTEN: streamAddresses,
  WEIR_TRUSTED_IPS: addressBlocks,
  WEIR_REAL_IP_HEADER: realIpHeader,
  WEIR_REAL_IP_RECURSIVE: onOrOff('off'),
  WEIR_PORT_MAPS: portMaps,
  WEIR_SSL_CIPHER_SUITE: cipherSuite,
  WEIR_SSL_CIPHERS: z.string().default(''),
  WEIR_SSL_PROTOCOLS: protocols,
  WEIR_SSL_PREFER_SERVER_CIPHERS: onOrOff('on'),
  WEIR_SSL_SESSION_TICKETS: onOrOff('on'),
  WEIR_ADMIN_LISTEN: controlAddresses('127.0.0.1:8001'),
  WEIR_ADMIN_SSL_CERT: z.string().optional(),
  WEIR_ADMIN_SSL_CERT_KEY: z.string().optional(),
  WEIR_MANAGER_LISTEN: controlAddresses('127.0.0.1:8002'),
  WEIR_ADMIN_GUI_SSL_CERT: z.string().optional(),
  WEIR_ADMIN_GUI_SSL_CERT_KEY: z.string().optional(),
  WEIR_NODE_LISTEN: address('127.0.0.1:8005'),
  WEIR_ADMIN_GUI_URL: z
    .string()
    .transform((text) => text.split(',').map((part) => part.trim()))
    .pipe(
      z.array(
        z
          .url({ protocol: /^https?$/, error: 'expected http(s)://host:port, comma-separated' })
          .transform((url) => new URL(url).origin),
      ),
    )
    .default([]),
  WEIR_ALLOWED_HOSTS: z
    .string()
    .transform((text) => text.split(',').map((part) => part.trim()))
    .pipe(z.array(z.string().regex(/^[\w.-]+$/, { error: 'expected host names, comma-separated' })))
    .default([]),
  WEIR_WORKERS: wholeNumber(availableParallelism(), 1, 1024),
  WEIR_NODE: name(
    hostname()
      .replaceAll(/[^\w.-]/g, '-')
      .slice(0, 100),
  ),
  WEIR_ZONE: name('default'),
  WEIR_ENVIRONMENT: name('default'),
  WEIR_PROXY_BODY_LIMIT: wholeNumber(0, 0, Number.MAX_SAFE_INTEGER),
  WEIR_PROXY_CACHE_MEGABYTES: wholeNumber(64, 0, 65_536),
  WEIR_MAX_IN_FLIGHT: wholeNumber(defaultAdmissionLimits.inFlight, 1, 1_000_000),
  WEIR_MAX_WAITING: wholeNumber(defaultAdmissionLimits.waiting, 0, 1_000_000),
  WEIR_MAX_CONNECTIONS: wholeNumber(defaultAdmissionLimits.connections, 1, 1_000_000),
  WEIR_MAX_UDP_SESSIONS: wholeNumber(defaultAdmissionLimits.udpSessions, 1, 1_000_000),
  WEIR_TARGET_CONNECTIONS: wholeNumber(defaultTargetLimits.inFlight, 1, 1_000_000),
  WEIR_TARGET_WAITING: wholeNumber(defaultTargetLimits.waiting, 0, 1_000_000),
  WEIR_DRAIN_SECONDS: wholeNumber(10, 0, 86_400),
  WEIR_ADMIN_TOKEN: z.string().min(16, { error: 'expected at least 16 characters' }).optional(),
  WEIR_ADMIN_PASSWORD: z
    .string()
    .min(8, { error: 'expected at least 8 characters' })
    .max(1000, { error: 'expected at most 1000 characters' })
    .optional(),
  WEIR_DATABASE_URL: z
    .url({
      protocol: /^postgres(ql)?$/,
      error: 'expected postgres://user:password@host:port/database',
    })
    .optional(),
  WEIR_ENCRYPTION_KEY: z.string().optional(),
  WEIR_ENCRYPTION_KEY_FILE: z.string().optional(),
  WEIR_AUDIT_KEY_FILE: z.string().min(1).optional(),
  WEIR_AUDIT_DAYS: wholeNumber(400, 1, 36_500),
  WEIR_BACKUPS: z.string().min(1).optional(),
  WEIR_REVISION_DAYS: wholeNumber(400, 1, 36_500),
  WEIR_REVISION_COUNT: wholeNumber(50_000, 1, 1_000_000_000),
  WEIR_RECORD_DURABILITY: z
    .enum(['commit', 'interval', 'strict'], { error: 'expected commit, interval or strict' })
    .default('commit'),
  WEIR_RECORD_DAYS: wholeNumber(90, 1, 36_500),
  WEIR_RECORD_SYNC_MILLISECONDS: wholeNumber(100, 1, 60_000),
  WEIR_SPOOL_LIMIT: z
    .string()
    .default('10%')
    .transform((text, context) => {
      const limit = parseSpaceLimit(text)
      if (limit !== undefined) return limit
      const message = 'expected bytes such as 500m or 2g, or a share of the file system such as 10%'
      context.addIssue({ code: 'custom', message })
      return z.NEVER
    }),
  WEIR_HEADERS: z
    .string()
    .default('server_tokens, latency_tokens, X-Kong-Request-Id')
    .transform((text, context) => {
      const names = parseAnswerHeaders(text)
      if (names !== undefined) return names
      const message = `expected off, or some of server_tokens, latency_tokens, ${answerHeaderNames.join(', ')}`
      context.addIssue({ code: 'custom', message })
      return z.NEVER
    }),
  WEIR_HEADERS_UPSTREAM: z
    .string()
    .regex(/^(?:off|X-Kong-Request-Id)$/i, { error: 'expected X-Kong-Request-Id or off' })
    .default('X-Kong-Request-Id'),
  WEIR_ALLOW_DEBUG_HEADER: z.enum(['on', 'off'], { error: 'expected on or off' }).default('off'),
  WEIR_AMBIGUOUS_PATHS: z
    .enum(['allow', 'refuse-authenticated', 'refuse'], {
      error: 'expected allow, refuse-authenticated or refuse',
    })
    .default('refuse-authenticated'),
  WEIR_EGRESS_ALLOW: networks,
  WEIR_EGRESS_DENY: networks,
  WEIR_VAULT_ENV_PREFIX: z
    .string()
    .regex(/^[A-Z_][A-Z\d_]*$/, { error: 'expected upper-case letters, digits and underscores' })
    .default('WEIR_VAULT_'),
  WEIR_ROUTE_VALIDATION_STRATEGY: z
    .enum(strategies, { error: `expected one of: ${strategies.join(', ')}` })
    .default('smart'),
  WEIR_ENFORCE_ROUTE_PATH_PATTERN: z
    .string()
    .superRefine((pattern, context) => {
      const complaint = pathPatternError(pattern)
      if (complaint !== undefined) context.addIssue({ code: 'custom', message: complaint })
    })
    .optional(),
  ...providerVariables,
  WEIR_LOG_DIRECTORIES: directories,
  WEIR_VAULT_FILES: z.string().min(1).default('/run/secrets'),
  WEIR_WEBHOOKS: webhooks,
  WEIR_WEBHOOK_SECRET: z.string().min(16, { error: 'expected at least 16 characters' }).optional(),
  WEIR_WAREHOUSE_URL: z
    .url({ protocol: /^https?$/, error: 'expected http(s)://user:password@host:port/database' })
    .optional(),
})

/** Reads the settings from the environment, in which `overrides` take precedence. Throws a SettingsError that names every invalid one. */
export function readSettings(
  overrides: Readonly<Record<string, string | undefined>> = {},
): PlaneSettings {
  const given = Object.entries(environmentWith(overrides)).filter(([, value]) => value !== '')
  const parsed = environment.safeParse(Object.fromEntries(given))
  if (!parsed.success) {
    throw new SettingsError(
      parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('\n'),
    )
  }
  const settings = parsed.data
  return {
    version: readVersion(),
    ...readPlane(settings),
    data: resolve(settings.WEIR_DATA),
    auditKeyFile: resolve(settings.WEIR_AUDIT_KEY_FILE ?? join(settings.WEIR_DATA, 'audit.key')),
    auditDays: settings.WEIR_AUDIT_DAYS,
    recordDays: settings.WEIR_RECORD_DAYS,
    backups: backupsIn(settings),
    revisionDays: settings.WEIR_REVISION_DAYS,
    revisionCount: settings.WEIR_REVISION_COUNT,
    durability:
      settings.WEIR_RECORD_DURABILITY === 'interval'
        ? { mode: 'interval', milliseconds: settings.WEIR_RECORD_SYNC_MILLISECONDS }
        : { mode: settings.WEIR_RECORD_DURABILITY },
    spoolLimit: settings.WEIR_SPOOL_LIMIT,
    pages: join(root, 'dist/ui'),
    proxyListen: settings.WEIR_PROXY_LISTEN,
    ...(settings.WEIR_PROXY_SSL_LISTEN === 'off'
      ? {}
      : { proxySslListen: settings.WEIR_PROXY_SSL_LISTEN }),
    streamListens: settings.WEIR_STREAM_LISTEN,
    origins: readOrigins(settings),
    tls: readTls(settings),
    adminListens: settings.WEIR_ADMIN_LISTEN,
    managerListens: settings.WEIR_MANAGER_LISTEN,
    ...readCertificates(settings),
    nodeListen: settings.WEIR_NODE_LISTEN,
    corsOrigins: settings.WEIR_ADMIN_GUI_URL,
    allowedHosts: settings.WEIR_ALLOWED_HOSTS,
    workers: settings.WEIR_WORKERS,
    node: settings.WEIR_NODE,
    zone: settings.WEIR_ZONE,
    environment: settings.WEIR_ENVIRONMENT,
    routeValidation: readRouteValidation(settings),
    bodyLimit: settings.WEIR_PROXY_BODY_LIMIT,
    cacheBytes: settings.WEIR_PROXY_CACHE_MEGABYTES * 1_048_576,
    admission: {
      inFlight: settings.WEIR_MAX_IN_FLIGHT,
      waiting: settings.WEIR_MAX_WAITING,
      connections: settings.WEIR_MAX_CONNECTIONS,
      udpSessions: settings.WEIR_MAX_UDP_SESSIONS,
    },
    targets: { inFlight: settings.WEIR_TARGET_CONNECTIONS, waiting: settings.WEIR_TARGET_WAITING },
    drainSeconds: settings.WEIR_DRAIN_SECONDS,
    ...(settings.WEIR_ADMIN_TOKEN === undefined ? {} : { adminToken: settings.WEIR_ADMIN_TOKEN }),
    ...(settings.WEIR_ADMIN_PASSWORD === undefined
      ? {}
      : { adminPassword: settings.WEIR_ADMIN_PASSWORD }),
    exchanges: {
      answerHeaders: settings.WEIR_HEADERS,
      sendsRequestId: settings.WEIR_HEADERS_UPSTREAM.toLowerCase() !== 'off',
      allowsDebug: settings.WEIR_ALLOW_DEBUG_HEADER === 'on',
      ambiguousPaths: settings.WEIR_AMBIGUOUS_PATHS,
    },
    ...readProvider(settings),
    egress: { allow: settings.WEIR_EGRESS_ALLOW, deny: settings.WEIR_EGRESS_DENY },
    vaultEnvPrefix: settings.WEIR_VAULT_ENV_PREFIX,
    logDirectories: settings.WEIR_LOG_DIRECTORIES,
    vaultFiles: resolve(settings.WEIR_VAULT_FILES),
    ...(settings.WEIR_DATABASE_URL === undefined
      ? {}
      : { databaseUrl: settings.WEIR_DATABASE_URL }),
    ...(settings.WEIR_ENCRYPTION_KEY === undefined
      ? {}
      : { encryptionKey: settings.WEIR_ENCRYPTION_KEY }),
    ...(settings.WEIR_ENCRYPTION_KEY_FILE === undefined
      ? {}
      : { encryptionKeyFile: resolve(settings.WEIR_ENCRYPTION_KEY_FILE) }),
    webhooks: { list: settings.WEIR_WEBHOOKS, secret: webhookSecretIn(settings) },
    ...(settings.WEIR_WAREHOUSE_URL === undefined
      ? {}
      : { warehouseUrl: settings.WEIR_WAREHOUSE_URL }),
  }
}

function webhookSecretIn(settings: z.output<typeof environment>): string {
  const { WEIR_WEBHOOKS: list, WEIR_WEBHOOK_SECRET: secret = '' } = settings
  if (list.length > 0 && secret === '')
    throw new SettingsError('WEIR_WEBHOOK_SECRET: required by WEIR_WEBHOOKS')
  return secret
}

const backupsIn = ({ WEIR_BACKUPS, WEIR_DATA }: z.output<typeof environment>): string =>
  resolve(WEIR_BACKUPS ?? join(WEIR_DATA, 'backups'))

function readOrigins(settings: z.output<typeof environment>): PlaneSettings['origins'] {
  const { WEIR_PROXY_LISTEN: plain, WEIR_PROXY_SSL_LISTEN: secure } = settings
  const header = settings.WEIR_REAL_IP_HEADER
  const readsProxy = plain.readsProxy || (secure !== 'off' && secure.readsProxy)
  if (header === 'proxy_protocol' && !readsProxy)
    throw new SettingsError(
      'WEIR_REAL_IP_HEADER: proxy_protocol needs WEIR_PROXY_LISTEN or WEIR_PROXY_SSL_LISTEN with proxy_protocol',
    )
  return {
    realIp: {
      trusted: settings.WEIR_TRUSTED_IPS,
      header,
      recursive: settings.WEIR_REAL_IP_RECURSIVE,
    },
    portMaps: settings.WEIR_PORT_MAPS,
  }
}

function readRouteValidation({
  WEIR_ROUTE_VALIDATION_STRATEGY: strategy,
  WEIR_ENFORCE_ROUTE_PATH_PATTERN: pathPattern,
}: z.output<typeof environment>): RouteValidation {
  if (strategy === 'path' && pathPattern === undefined) {
    throw new SettingsError(
      'WEIR_ENFORCE_ROUTE_PATH_PATTERN: required by WEIR_ROUTE_VALIDATION_STRATEGY=path',
    )
  }
  return { strategy, pathPattern }
}

/** `10%` of the file system, or bytes: `500m`. */
function parseSpaceLimit(text: string): SpoolLimit | undefined {
  const [, digits = '', unit = ''] = /^(\d{1,15}(?:\.\d+)?)([%kmg]?)$/i.exec(text) ?? []
  const value = Number(digits)
  if (digits === '' || value === 0) return undefined
  if (unit === '%') return value > 100 ? undefined : { share: value / 100 }
  return { bytes: Math.floor(value * 1024 ** ' kmg'.indexOf(unit.toLowerCase() || ' ')) }
}

/** The plane to run alone, and for a gateway its control plane. */
function readPlane({
  WEIR_PLANE: plane,
  WEIR_CONTROL_URL: url,
  WEIR_JOIN_TOKEN: token,
  WEIR_JOIN_TOKEN_FILE: file,
}: z.output<typeof environment>): Pick<PlaneSettings, 'plane' | 'remoteControl'> {
  if (plane !== 'gateway') return plane === undefined ? {} : { plane }
  const joinToken = token ?? (file === undefined ? undefined : readTokenFile(file))
  if (url !== undefined && joinToken !== undefined)
    return { plane, remoteControl: { url, joinToken } }
  const missing = [
    ...(url === undefined ? ['WEIR_CONTROL_URL: required by the gateway plane'] : []),
    ...(joinToken === undefined
      ? ['WEIR_JOIN_TOKEN or WEIR_JOIN_TOKEN_FILE: required by the gateway plane']
      : []),
  ]
  throw new SettingsError(missing.join('\n'))
}

function readTokenFile(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    throw new SettingsError(`WEIR_JOIN_TOKEN_FILE: ${(error as Error).message}`)
  }
}

/** Every variable that `readSettings` reads; `describe-settings.ts` describes them. */
export const settingsSchema = environment
