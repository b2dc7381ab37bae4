import { readFileSync } from 'node:fs'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import https from 'node:https'
import { Pool } from 'undici'

type Order = {
  readonly upstream: string
  readonly certificate: string
  readonly http: number
  readonly https: number
}

// A minimal proxy with Node's HTTP server and undici.
const order = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Order
const pool = new Pool(order.upstream, { connections: 256, pipelining: 1 })
const hopByHop = new Set(['connection', 'keep-alive', 'transfer-encoding', 'upgrade', 'host'])

function pass(request: IncomingMessage, response: ServerResponse): void {
  const headers = Object.fromEntries(
    Object.entries(request.headers).filter(([name]) => !hopByHop.has(name)),
  )
  const hasBody = request.headers['content-length'] !== undefined
  const upstreamRequest = {
    path: request.url ?? '/',
    method: (request.method ?? 'GET') as 'GET',
    headers,
    body: hasBody ? request : null,
    opaque: response,
  }
  pool
    .stream(upstreamRequest, ({ statusCode, headers: fields }) => {
      for (const name of hopByHop) delete fields[name]
      return response.writeHead(statusCode, fields)
    })
    .catch(() => response.destroy())
}

const pair = readFileSync(order.certificate, 'utf8')
http.createServer(pass).listen(order.http, '127.0.0.1')
https.createServer({ cert: pair, key: pair }, pass).listen(order.https, '127.0.0.1')
