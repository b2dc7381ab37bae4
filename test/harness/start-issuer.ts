import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose'

/** A provider with discovery and keys only, which signs any claims for tests. */
export type Issuer = {
  readonly url: string
  readonly jwksUrl: string
  /** Changes its responses: `down` breaks connections, `slow` never responds. */
  state: 'up' | 'down' | 'slow'
  /** The keys that it publishes. */
  keys: JWK[]
  /** Number of requests by path. */
  readonly requests: Map<string, number>
  /** The newest key pair. */
  current: { readonly kid: string; readonly privateKey: CryptoKey; readonly publicKey: JWK }
  /** Makes a new key pair, which signs from now on, and publishes only that one unless `keeps`. */
  rotate(keeps?: boolean): Promise<void>
  /** Signs claims, on top of valid ones. */
  sign(
    claims?: Readonly<Record<string, unknown>>,
    header?: Record<string, unknown>,
  ): Promise<string>
  stop(this: void): Promise<void>
}

export async function startIssuer(now: () => number = Date.now): Promise<Issuer> {
  const requests = new Map<string, number>()
  const server: Server = createServer((request, response) => {
    const path = request.url ?? ''
    requests.set(path, (requests.get(path) ?? 0) + 1)
    if (issuer.state === 'down') return request.socket.destroy()
    if (issuer.state === 'slow') return undefined
    response.setHeader('content-type', 'application/json')
    if (path === '/.well-known/openid-configuration')
      return response.end(JSON.stringify({ issuer: issuer.url, jwks_uri: issuer.jwksUrl }))
    if (path === '/keys') return response.end(JSON.stringify({ keys: issuer.keys }))
    response.statusCode = 404
    return response.end('{}')
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  let made = 0
  const makeKey = async () => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
    const kid = `key-${(made += 1)}`
    return {
      kid,
      privateKey,
      publicKey: { ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' },
    }
  }
  const first = await makeKey()
  const issuer: Issuer = {
    url,
    jwksUrl: `${url}/keys`,
    state: 'up',
    keys: [first.publicKey],
    requests,
    current: first,
    async rotate(keeps = false) {
      issuer.current = await makeKey()
      issuer.keys = keeps ? [...issuer.keys, issuer.current.publicKey] : [issuer.current.publicKey]
    },
    sign(claims = {}, header = {}) {
      const seconds = Math.floor(now() / 1000)
      const payload = { iss: url, sub: 'anna', aud: 'api', exp: seconds + 600, ...claims }
      return new SignJWT(payload)
        .setProtectedHeader({ alg: 'ES256', kid: issuer.current.kid, ...header })
        .sign(issuer.current.privateKey)
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return issuer
}
