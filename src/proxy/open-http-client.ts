import type { Egress } from '../lib/egress.ts'
import { requestGuarded } from '../lib/request-guarded.ts'
import type { HttpClient } from './plugin.ts'

/** Bytes that a response may have. */
const maxResponse = 1 << 20

/** Opens the HTTP client of plugins. */
export const openHttpClient =
  (egress: Egress): HttpClient =>
  async (url, { headers = {}, body, timeout, verifiesTls }) => {
    const received = await requestGuarded({
      url,
      headers,
      ...(body && { body }),
      egress,
      milliseconds: timeout,
      limit: maxResponse,
      verifiesTls,
    })
    if (received.body.length > maxResponse)
      throw new Error(`the response of ${new URL(url).host} is larger than ${maxResponse} bytes`)
    const response = new Headers()
    for (const [name, values] of Object.entries(received.headers))
      for (const value of [values ?? []].flat()) response.append(name, value)
    const isBodyless = [204, 205, 304].includes(received.status)
    return new Response(isBodyless ? null : received.body, {
      status: received.status,
      headers: response,
    })
  }
