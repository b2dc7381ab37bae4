import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** Answers a request with a description of it. */
export async function echo(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  const { method, url, rawHeaders, headers } = request
  response.setHeader('content-type', 'application/json')
  response.end(
    JSON.stringify({ method, url, headers, rawHeaders, body: Buffer.concat(chunks).toString() }),
  )
}

/** The response body of `echo`. */
export type Echo = {
  method: string
  url: string
  headers: Record<string, string>
  rawHeaders: string[]
  body: string
}

/** Starts an HTTP server on a free port for the duration of the test, or until the function passed to `onFinished` is called. */
export async function startUpstream(
  answer: (request: IncomingMessage, response: ServerResponse) => unknown = echo,
  onFinished: (stop: () => void) => void = onTestFinished,
): Promise<{ port: number; host: string; server: Server }> {
  const server = createServer((request, response) => {
    Promise.resolve(answer(request, response)).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, host: '127.0.0.1', server }
}
