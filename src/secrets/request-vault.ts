import http, { type IncomingMessage } from 'node:http'
import https from 'node:https'
import { isIP } from 'node:net'
import { assertAllowed, openGuardedLookup, type Egress } from '../lib/egress.ts'

export type VaultResponse = {
  readonly status: number
  /** At most `limit` + 1 bytes. */
  readonly body: Buffer
}

export type VaultRequest = {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly egress: Egress
  readonly milliseconds: number
  /** Bytes of the body after which reading stops. */
  readonly limit: number
}

/** Sends a GET request to an allowed address; redirects are not followed. Rejects with the error of the connection, or an EgressDenied. */
export async function requestVault(request: VaultRequest): Promise<VaultResponse> {
  const { url, headers, egress, milliseconds, limit } = request
  const { protocol, hostname, port } = new URL(url)
  const actualPort = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
  const address = hostname.replace(/^\[|\]$/g, '')
  if (isIP(address) !== 0) assertAllowed(egress, address, actualPort)
  const module = protocol === 'https:' ? https : http
  const options = {
    headers,
    agent: false,
    lookup: openGuardedLookup(egress, actualPort),
    signal: AbortSignal.timeout(milliseconds),
  }
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    module.get(url, options, resolve).on('error', reject)
  })
  const parts: Buffer[] = []
  let size = 0
  for await (const part of response as AsyncIterable<Buffer>) {
    parts.push(part)
    size += part.length
    if (size > limit) break
  }
  return { status: response.statusCode ?? 0, body: Buffer.concat(parts) }
}
