/** An error that the API returned, with its message. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  /** The rules behind a denial, where the API names them. */
  readonly because: readonly string[]

  constructor(status: number, message: string, code = '', because: readonly string[] = []) {
    super(message)
    this.name = 'ApiError'
    this.status = status
    this.code = code
    this.because = because
  }
}

export async function readApiError(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => undefined)
  const fields = isRecord(body) ? body : {}
  const message =
    typeof fields['message'] === 'string'
      ? fields['message']
      : `The server returned ${response.status} ${response.statusText}`.trim()
  const code = typeof fields['code'] === 'string' ? fields['code'] : ''
  return new ApiError(response.status, message, code, toList(fields['because']))
}

/** The error for a request that got no response. */
export const unreachable = (): ApiError =>
  new ApiError(0, 'The control plane is unreachable. Check that Weir is running.', 'unreachable')

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

const toList = (value: unknown): string[] =>
  typeof value === 'string' ? [value] : Array.isArray(value) ? value.map(String) : []
