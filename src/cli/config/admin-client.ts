import { Agent } from 'undici'
import { Problem } from '../../lib/problem.ts'

/** The Admin API that commands call, and their token. */
export type AdminAccess = {
  readonly url: string
  readonly token: string | undefined
  readonly headers: Readonly<Record<string, string>>
  /** CA certificates in PEM; those of the system when absent. */
  readonly ca?: string
  /** Whether its certificate is verified. Default: true. */
  readonly verifies?: boolean
}

/** Progress of a long request. */
export type Progress = { readonly phase: string; readonly done: number; readonly total: number }

/** A request to the Admin API. */
export type AdminCall = {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly body?: unknown
  readonly onProgress?: (progress: Progress) => void
}

/** Throws a Problem with the message of the Admin API when a request fails. */
export async function callAdmin<Result>(access: AdminAccess, call: AdminCall): Promise<Result> {
  const response = await send(access, call)
  const isLines = (response.headers.get('content-type') ?? '').includes('ndjson')
  if (isLines) return readLines<Result>(response, call)
  const text = await response.text()
  if (!isFromAdmin(response)) throw notAdmin(access.url, response.status)
  if (!response.ok) throw refusal(response.status, text, call)
  return JSON.parse(text) as Result
}

async function send(access: AdminAccess, call: AdminCall): Promise<Response> {
  const { url, token, headers } = access
  const { method, path, query = {}, body, onProgress } = call
  const given = Object.entries(query).filter(
    (pair): pair is [string, string] => pair[1] !== undefined,
  )
  const search = given.length === 0 ? '' : `?${new URLSearchParams(given).toString()}`
  try {
    return await fetch(`${url.replace(/\/+$/, '')}${path}${search}`, {
      method,
      headers: {
        accept: onProgress === undefined ? 'application/json' : 'application/x-ndjson',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { 'kong-admin-token': token }),
        ...headers,
      },
      body: body === undefined ? null : JSON.stringify(body),
      ...dispatcherOf(access),
    })
  } catch (error) {
    throw unreachable(url, error)
  }
}

function unreachable(url: string, error: unknown): Problem {
  const cause = (error as Error).cause as (Error & { readonly code?: string }) | undefined
  const reason = error instanceof Error ? String(cause?.message ?? error.message) : ''
  const hint = untrusted.has(cause?.code ?? '')
    ? '\nSet the CA of its certificate with --ca-cert-file or WEIR_ADMIN_CA_CERT_FILE.'
    : ''
  return new Problem('cli.unreachable', 503, `Admin API unreachable at ${url}: ${reason}${hint}`, {
    cause: error,
  })
}

/** OpenSSL error codes for a certificate of an unknown authority. */
const untrusted: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
])

function dispatcherOf({ ca, verifies = true }: AdminAccess): { readonly dispatcher?: never } {
  if (ca === undefined && verifies) return {}
  const connect = { rejectUnauthorized: verifies, ...(ca === undefined ? {} : { ca }) }
  // The types of Node's fetch are those of another version of undici.
  return { dispatcher: new Agent({ connect }) as never }
}

/** `because` is present only when the caller may read the rule. */
type Refusal = { readonly message?: unknown; readonly because?: unknown }

type Line<Result> = {
  readonly progress?: Progress
  readonly result?: Result
  readonly problem?: Refusal & { readonly status: number }
}

async function readLines<Result>(response: Response, { onProgress }: AdminCall): Promise<Result> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of response.body ?? []) {
    const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const text of lines) {
      const line = JSON.parse(text) as Line<Result>
      if (line.progress !== undefined) onProgress?.(line.progress)
      if (line.problem !== undefined) throw refused(line.problem.status, line.problem)
      if (line.result !== undefined) return line.result
    }
  }
  throw new Problem(
    'cli.cut_off',
    502,
    'The Admin API closed the connection before it sent the result',
  )
}

function refusal(status: number, text: string, { method, path }: AdminCall): Problem {
  try {
    const problem = JSON.parse(text) as Refusal
    if (problem.message === 'Not found')
      return refused(status, { message: `Not found: ${method} ${path}` })
    if (typeof problem.message === 'string') return refused(status, problem)
  } catch {
    // Not JSON: print it unchanged.
  }
  return refused(status, { message: text.slice(0, 500) })
}

function refused(status: number, { message, because }: Refusal): Problem {
  const reasons = typeof because === 'string' ? [because] : []
  if (status === 401) reasons.push('Set the token with --token or WEIR_ADMIN_TOKEN.')
  return new Problem(
    'cli.refused',
    status,
    [`${String(message)} (${status})`, ...reasons].join('\n'),
  )
}

/** Every response of an Admin API has the id of its request. */
const isFromAdmin = ({ headers }: Response): boolean => headers.has('x-kong-admin-request-id')

const notAdmin = (url: string, status: number): Problem =>
  new Problem(
    'cli.not_admin',
    502,
    `The server at ${url} is not an Admin API (${status}); set its address with --addr or WEIR_ADMIN_URL.`,
  )
