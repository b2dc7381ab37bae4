/** Optional parts of a Problem. */
export type ProblemOptions = {
  /** Extra members of the response body, for example `fields` in Kong's error format. */
  readonly detail?: Readonly<Record<string, unknown>>
  /** Response headers, names in lower case. */
  readonly headers?: Readonly<Record<string, string>>
  /** The reason for the audit log, when the caller may not see it. */
  readonly record?: string
  readonly cause?: unknown
}

/** An error for the caller: a stable code (`room.reason`), an HTTP status and one sentence. */
export class Problem extends Error {
  readonly code: string
  readonly status: number
  readonly detail: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string>>
  readonly record: string | undefined

  constructor(code: string, status: number, message: string, options: ProblemOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'Problem'
    this.code = code
    this.status = status
    this.detail = options.detail ?? {}
    this.headers = options.headers ?? {}
    this.record = options.record
  }

  /** The same problem with another reason for the audit log. */
  withRecord(record: string): Problem {
    const { message, code, status, detail, headers } = this
    const copy = Object.create(Problem.prototype) as Problem
    return Object.assign(copy, { message, code, status, detail, headers, record })
  }
}

/** Converts any thrown value to a Problem. An unexpected error becomes `internal` with status 500 and reveals nothing to the caller. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  return new Problem('internal', 500, 'An unexpected error occurred', { cause: error })
}
