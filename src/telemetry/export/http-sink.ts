import http, { type ClientRequest, type IncomingMessage } from 'node:http'
import https from 'node:https'
import { guardedAddress, type Egress } from '../../lib/egress.ts'
import type { ExportTarget } from '../../schema/exporter.ts'
import type { Sink } from './sink.ts'

/** Bytes of an answer that are read before its connection is given up. */
const maxAnswer = 65_536

/** Sends each batch as one request, on connections that are used again. Any status from 200 to 299 is a success. */
export function openHttpSink(
  target: Extract<ExportTarget, { kind: 'http' }>,
  egress: Egress,
): Sink {
  const { protocol, hostname, port: given, username, password } = new URL(target.url)
  const isSecure = protocol === 'https:'
  const port = given === '' ? (isSecure ? 443 : 80) : Number(given)
  const module = isSecure ? https : http
  // Credentials and query of the URL may be secrets.
  const shown = `${hostname}:${port}`
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  const headers = {
    ...target.headers,
    ...(username === '' && password === ''
      ? {}
      : { Authorization: `Basic ${Buffer.from(credentials).toString('base64')}` }),
  }
  let agent: http.Agent | undefined

  const request = (body: string | Uint8Array, signal: AbortSignal): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const { lookup } = guardedAddress(egress, hostname, port)
      agent ??= new module.Agent({ keepAlive: true, timeout: target.keepalive })
      const sent: ClientRequest = module.request(
        target.url,
        {
          method: target.method,
          headers: { ...headers, 'Content-Length': Buffer.byteLength(body) },
          agent,
          ...(lookup && { lookup }),
          signal: AbortSignal.any([signal, AbortSignal.timeout(target.timeout)]),
        },
        resolve,
      )
      sent.on('error', reject).end(body)
    })

  return {
    async send(body, signal) {
      const answer = await request(body, signal).catch((error: unknown) => {
        throw new Error(`request to ${shown} failed: ${describe(error)}`)
      })
      await discard(answer)
      const { statusCode = 0 } = answer
      if (statusCode < 200 || statusCode > 299)
        throw new Error(`request to ${shown} returned status ${statusCode}`)
    },
    close() {
      agent?.destroy()
      agent = undefined
    },
  }
}

/** Errors of Node have codes; messages may contain the URL. */
const describe = (error: unknown): string => {
  const { code, name, message } = error as NodeJS.ErrnoException
  if (name === 'TimeoutError' || name === 'AbortError') return 'timeout'
  return name === 'EgressDenied' || typeof code !== 'string' ? message : code
}

/** Reads an answer, so that its connection can be used again. */
async function discard(answer: IncomingMessage): Promise<void> {
  let size = 0
  try {
    for await (const part of answer as AsyncIterable<Buffer>) {
      size += part.length
      if (size > maxAnswer) return
    }
  } catch {
    // The status has arrived, and decides.
  }
}
