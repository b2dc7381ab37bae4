import { Problem } from '../../lib/problem.ts'

/** Where the Admin API is and as whom it is asked. */
export type AdminAccess = {
  readonly url: string
  readonly token: string | undefined
  readonly headers: Readonly<Record<string, string>>
}

/** How far work on the other side is. */
export type Progress = { readonly phase: string; readonly done: number; readonly total: number }

/** A request to the Admin API. */
export type AdminCall = {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly query?: Readonly<Record<string, string | undefined>>
  readonly body?: unknown
  readonly onProgress?: (progress: Progress) => void
}

/** Asks the Admin API and gives its answer; a refusal is thrown in its own words. */
export async function callAdmin<Result>(access: AdminAccess, call: AdminCall): Promise<Result> {
  const response = await send(access, call)
  const isLines = (response.headers.get('content-type') ?? '').includes('ndjson')
  if (isLines) return readLines<Result>(response, call)
  const text = await response.text()
  if (!response.ok) throw refusal(response.status, text)
  return JSON.parse(text) as Result
}

async function send(
  { url, token, headers }: AdminAccess,
  { method, path, query = {}, body, onProgress }: AdminCall,
): Promise<Response> {
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
    })
  } catch (error) {
    const reason =
      error instanceof Error
        ? String((error.cause as Error | undefined)?.message ?? error.message)
        : ''
    throw new Problem(
      'cli.unreachable',
      503,
      `The Admin API at ${url} cannot be reached: ${reason}`,
      {
        cause: error,
      },
    )
  }
}

type Line<Result> = {
  readonly progress?: Progress
  readonly result?: Result
  readonly problem?: { readonly status: number; readonly message: string }
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
      if (line.problem !== undefined) throw refused(line.problem.status, line.problem.message)
      if (line.result !== undefined) return line.result
    }
  }
  throw new Problem('cli.cut_off', 502, 'The Admin API ended its answer before the result')
}

function refusal(status: number, text: string): Problem {
  try {
    const { message } = JSON.parse(text) as { message?: unknown }
    if (typeof message === 'string') return refused(status, message)
  } catch {
    // What is not JSON is shown as it is.
  }
  return refused(status, text.slice(0, 500))
}

const refused = (status: number, message: string): Problem =>
  new Problem('cli.refused', status, `${message} (${status})`)
