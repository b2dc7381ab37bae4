/** Sends a request to a provider; rejects where the egress rules deny its address. */
export type ProviderHttp = (
  url: string,
  options: {
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: Uint8Array
    /** Milliseconds. */
    readonly timeout: number
    readonly verifiesTls: boolean
  },
) => Promise<Response>

/** The `fetch` that openid-client uses, over a guarded HTTP client. */
export const guardedFetch =
  (http: ProviderHttp, options: { readonly timeout: number; readonly verifiesTls: boolean }) =>
  async (
    url: string,
    { headers, body }: { headers: Record<string, string>; body?: unknown },
  ): Promise<Response> => {
    const bytes =
      body instanceof URLSearchParams || typeof body === 'string'
        ? Buffer.from(String(body))
        : undefined
    const type =
      body instanceof URLSearchParams
        ? { 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8' }
        : {}
    return http(url, {
      headers: { ...type, ...headers },
      ...(bytes && { body: bytes }),
      ...options,
    })
  }
