import http, { type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import https from 'node:https'
import { guardedAddress, type Egress } from './egress.ts'

export type GuardedRequest = {
  /** http or https. */
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  /** Sent by POST; without it the request is a GET. */
  readonly body?: Uint8Array
  readonly egress: Egress
  readonly milliseconds: number
  /** Bytes of the response body after which reading stops. */
  readonly limit: number
  /** False to accept any certificate. */
  readonly verifiesTls?: boolean
}

export type GuardedResponse = {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  /** More than `limit` bytes when it was cut. */
  readonly body: Buffer
}

/** Sends a request on a connection of its own to an allowed address; redirects are not followed. Rejects with the error of the connection, or an EgressDenied. */
export async function requestGuarded(request: GuardedRequest): Promise<GuardedResponse> {
  const { url, headers, body, egress, milliseconds, limit, verifiesTls = true } = request
  const { protocol, hostname, port } = new URL(url)
  const isSecure = protocol === 'https:'
  const actualPort = port === '' ? (isSecure ? 443 : 80) : Number(port)
  const { lookup } = guardedAddress(egress, hostname, actualPort)
  const options = {
    method: body === undefined ? 'GET' : 'POST',
    headers: body === undefined ? headers : { ...headers, 'Content-Length': body.length },
    agent: false,
    rejectUnauthorized: verifiesTls,
    ...(lookup && { lookup }),
    signal: AbortSignal.timeout(milliseconds),
  }
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const module = isSecure ? https : http
    module.request(url, options, resolve).on('error', reject).end(body)
  })
  const parts: Buffer[] = []
  let size = 0
  for await (const part of response as AsyncIterable<Buffer>) {
    parts.push(part)
    size += part.length
    if (size > limit) break
  }
  const { statusCode: status = 0, headers: received } = response
  return { status, headers: received, body: Buffer.concat(parts) }
}
