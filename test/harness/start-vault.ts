import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

/** A server with the read API of HashiCorp Vault's KV engine. */
export type TestVault = {
  readonly port: number
  /** Path → secret, for example `secret/data/db` in version 2 of the engine. */
  readonly secrets: Map<string, Readonly<Record<string, unknown>>>
  /** Received requests, as `token path`. */
  readonly requests: string[]
  /** Whether it answers as a sealed vault. */
  isSealed: boolean
}

/** Starts a vault that accepts one token, for the duration of the test. */
export async function startVault(token: string): Promise<TestVault> {
  const vault = { port: 0, secrets: new Map(), requests: [] as string[], isSealed: false }
  const server = createServer((request, response) => {
    const path = (request.url ?? '').replace(/^\/v1\//, '')
    const given = String(request.headers['x-vault-token'] ?? '')
    vault.requests.push(`${given} ${path}`)
    const answer = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }
    if (vault.isSealed) return answer(503, { errors: ['Vault is sealed'] })
    if (given !== token) return answer(403, { errors: ['permission denied'] })
    const data = vault.secrets.get(path) as object | undefined
    if (data === undefined) return answer(404, { errors: [] })
    const isSecond = path.split('/')[1] === 'data'
    answer(200, { request_id: '1', data: isSecond ? { data, metadata: { version: 1 } } : data })
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  vault.port = (server.address() as AddressInfo).port
  return vault
}
