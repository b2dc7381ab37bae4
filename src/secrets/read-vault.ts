import { readFile, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { z } from 'zod'
import { EgressDenied, type Egress } from '../lib/egress.ts'
import { requestGuarded, type GuardedResponse } from '../lib/request-guarded.ts'
import { Problem } from '../lib/problem.ts'
import { envReference, vaultKinds, type VaultName } from '../entities/vault-kinds.ts'
import type { VaultReference } from './collect-references.ts'

export type VaultTools = {
  /** An environment variable; undefined when unset or one of Weir's own settings. */
  readonly readVariable: (name: string) => string | undefined
  /** Configurations read variables with this prefix only; it may be left out in references. */
  readonly variablePrefix: string
  /** Addresses that may be connected to. */
  readonly egress: Egress
  /** Files are read below this directory only. */
  readonly files: string
}

/** Lifetimes of a cached secret in milliseconds; undefined is unlimited. */
export type CacheLifetime = {
  readonly found: number | undefined
  readonly missing: number
  /** Time after expiry for which the secret is still used while the vault is unreachable. */
  readonly resurrected: number | undefined
}

/** Reads a secret from its vault; throws a Problem when it is missing or the vault is unreachable. */
export async function readVault(wanted: VaultReference, tools: VaultTools): Promise<string> {
  const { definition } = wanted
  if (definition === undefined)
    return readVariable(wanted, vaultKinds.env.settings.parse({}), tools)
  const { name, config } = definition
  switch (name as VaultName) {
    case 'env':
      return readVariable(wanted, vaultKinds.env.settings.parse(config), tools)
    case 'file':
      return readSecretFile(wanted, vaultKinds.file.settings.parse(config), tools)
    case 'hcv':
      return readHashicorpVault(wanted, vaultKinds.hcv.settings.parse(config), tools)
  }
}

/** Cache lifetimes for the secrets of a vault. */
export function cacheLifetimeOf({ definition }: VaultReference): CacheLifetime {
  if (definition === undefined || definition.name === 'env') {
    return { found: undefined, missing: 60_000, resurrected: undefined }
  }
  if (definition.name === 'file') return { found: 30_000, missing: 10_000, resurrected: undefined }
  const { ttl, neg_ttl, resurrect_ttl } = vaultKinds.hcv.settings.parse(definition.config)
  const milliseconds = (seconds: number | null) => (seconds === null ? undefined : seconds * 1000)
  return {
    found: milliseconds(ttl),
    missing: milliseconds(neg_ttl) ?? 10_000,
    resurrected: milliseconds(resurrect_ttl),
  }
}

type EnvSettings = z.output<typeof vaultKinds.env.settings>
type FileSettings = z.output<typeof vaultKinds.file.settings>
type HcvSettings = z.output<typeof vaultKinds.hcv.settings>

/** As in Kong, names are upper case with underscores, and begin with a prefix that the operator configures. */
function readVariable(
  { secret, text }: Pick<VaultReference, 'secret' | 'text'>,
  { prefix, base64_decode }: EnvSettings,
  tools: VaultTools,
): string {
  const given = `${prefix ?? ''}${secret}`.toUpperCase().replaceAll(/[^A-Z\d]/g, '_')
  const name = given.startsWith(tools.variablePrefix) ? given : tools.variablePrefix + given
  const value = tools.readVariable(name)
  if (value === undefined) throw missing(text, `the variable ${name} is not set`)
  return decoded(value, base64_decode === true)
}

async function readSecretFile(
  { secret, text }: VaultReference,
  { prefix, base64_decode }: FileSettings,
  { files }: VaultTools,
): Promise<string> {
  try {
    const root = await realpath(files)
    const file = await realpath(join(prefix, secret))
    if (!file.startsWith(root + sep)) throw missing(text, `it is not below ${files}`)
    return decoded((await readFile(file, 'utf8')).replace(/\r?\n$/, ''), base64_decode)
  } catch (error) {
    if (error instanceof Problem) throw error
    throw missing(text, `its file cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}

const answers = {
  v1: z.object({ data: z.record(z.string(), z.unknown()) }),
  v2: z
    .object({ data: z.object({ data: z.record(z.string(), z.unknown()) }) })
    .transform(({ data }) => data),
}

async function readHashicorpVault(
  wanted: VaultReference,
  settings: HcvSettings,
  tools: VaultTools,
): Promise<string> {
  const { protocol, host, port, mount, kv, namespace, token } = settings
  const path = [mount, ...(kv === 'v2' ? ['data'] : []), wanted.secret].join('/')
  const url = `${protocol}://${host}:${port}/v1/${path}`
  const { status, body } = await request(url, wanted.text, tools, {
    'x-vault-token': tokenFrom(token ?? '', tools),
    'x-vault-request': 'true',
    ...(namespace === null ? {} : { 'x-vault-namespace': namespace }),
  })
  if (status === 404) throw missing(wanted.text, 'the vault does not contain it')
  if (status < 200 || status > 299) throw unreachable(wanted.text, `the vault answered ${status}`)
  // The address of a vault is configured by tenants.
  if (body.length > maxAnswerBytes)
    throw unreachable(wanted.text, `the vault’s answer has more than ${maxAnswerBytes} bytes`)
  const parsed = answers[kv].safeParse(parseJson(body.toString()))
  if (!parsed.success) throw unreachable(wanted.text, 'the response of the vault is malformed')
  return JSON.stringify(parsed.data.data)
}

async function request(
  url: string,
  text: string,
  { egress }: VaultTools,
  headers: Readonly<Record<string, string>>,
): Promise<GuardedResponse> {
  try {
    return await requestGuarded({
      url,
      headers,
      egress,
      milliseconds: 5_000,
      limit: maxAnswerBytes,
    })
  } catch (cause) {
    if (cause instanceof EgressDenied) throw unreachable(text, cause.message, cause)
    throw unreachable(text, 'the vault is unreachable', cause)
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Not JSON, which the caller reports. The error would quote the secret.
    return undefined
  }
}

const maxAnswerBytes = 1024 * 1024

/** The token may be a reference to an environment variable, so that it is stored nowhere else. */
function tokenFrom(token: string, tools: VaultTools): string {
  const [, secret] = envReference.exec(token) ?? []
  if (secret === undefined) return token
  return readVariable({ secret, text: token }, vaultKinds.env.settings.parse({}), tools)
}

const decoded = (value: string, isBase64: boolean): string =>
  isBase64 ? Buffer.from(value, 'base64').toString() : value

const missing = (text: string, reason: string): Problem =>
  new Problem('secrets.missing', 404, `${text}: ${reason}`)

/** Unlike for `missing`, cached secrets stay in use. */
const unreachable = (text: string, reason: string, cause?: unknown): Problem =>
  new Problem('secrets.unreachable', 503, `${text}: ${reason}`, { cause })
