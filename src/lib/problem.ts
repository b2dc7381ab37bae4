/** What a Problem may carry beside its code, status and sentence. */
export type ProblemOptions = {
  /** Extra members for the body, for example `fields` in Kong's error form. */
  readonly detail?: Readonly<Record<string, unknown>>
  /** Response headers, names in lower case. */
  readonly headers?: Readonly<Record<string, string>>
  readonly cause?: unknown
}

/** A refusal with a stable code (`room.reason`), an HTTP status and one sentence for the caller. */
export class Problem extends Error {
  readonly code: string
  readonly status: number
  readonly detail: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, string>>

  constructor(code: string, status: number, message: string, options: ProblemOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'Problem'
    this.code = code
    this.status = status
    this.detail = options.detail ?? {}
    this.headers = options.headers ?? {}
  }
}

/** Any thrown thing as a Problem; what is not one already becomes `internal`, 500, and tells the caller nothing. */
export function toProblem(error: unknown): Problem {
  if (error instanceof Problem) return error
  return new Problem('internal', 500, 'An unexpected error occurred', { cause: error })
}
