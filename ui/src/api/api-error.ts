/** A refusal of the API, in its own words. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  /** The rules that decided, when the API names them. */
  readonly because: readonly string[]

  constructor(status: number, message: string, code = '', because: readonly string[] = []) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.code = code
    this.because = because
  }
}

/** The ApiError that an unsuccessful response means. */
export async function readApiError(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => undefined)
  const said = isRecord(body) ? body : {}
  const message =
    typeof said['message'] === 'string'
      ? said['message']
      : `The server answered ${response.status} ${response.statusText}`.trim()
  const code = typeof said['code'] === 'string' ? said['code'] : ''
  return new ApiError(response.status, message, code, sentences(said['because']))
}

/** The error that a failed fetch means. */
export const unreachable = (): ApiError =>
  new ApiError(0, 'Weir could not be reached. Is the control plane running?', 'unreachable')

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

const sentences = (value: unknown): string[] =>
  typeof value === 'string' ? [value] : Array.isArray(value) ? value.map(String) : []
