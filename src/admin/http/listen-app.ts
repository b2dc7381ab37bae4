import http, { type RequestListener, type Server } from 'node:http'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import type { TlsPolicy } from '../../proxy/tls-policy.ts'
import { answerBrokenRequest, serverOptions } from './build-app.ts'
import type { CertificateSource } from '../watch-certificate.ts'

/** `isSecure` enables TLS. */
export type AppListen = { readonly host: string; readonly port: number; readonly isSecure: boolean }

export type AppTls = { readonly certificate: CertificateSource; readonly policy: TlsPolicy }

/** An app on its listeners. */
export type ListeningApp = {
  /** In the order of the listeners. */
  readonly urls: readonly string[]
  close(this: void): Promise<void>
}

/** Milliseconds. */
const handshakeTimeout = 10_000

/** Serves an app on several listeners; `tls` is needed where one of them has TLS. `onServer` gets each server before it listens. */
export async function listenApp(
  app: FastifyInstance,
  listens: readonly AppListen[],
  tls: AppTls | undefined,
  onServer: (server: Server) => void,
): Promise<ListeningApp> {
  await app.ready()
  const secured: https.Server[] = []
  const open = (isSecure: boolean): Server => {
    if (!isSecure) return http.createServer(serverOptions, routeIn(app))
    const server = openSecure(app, tls as AppTls)
    secured.push(server)
    return server as unknown as Server
  }
  const servers: Server[] = []
  const close = async (): Promise<void> => {
    tls?.certificate.close()
    for (const server of servers) {
      server.close()
      server.closeAllConnections()
    }
    await app.close()
  }
  tls?.certificate.onChange((next) => {
    for (const server of secured) server.setSecureContext({ ...tls.policy, ...next })
  })
  try {
    const urls: string[] = []
    for (const { host, port, isSecure } of listens) {
      const server = open(isSecure)
      servers.push(server)
      server.on('clientError', answerBrokenRequest)
      onServer(server)
      await listen(server, host, port)
      urls.push(urlOf(server, isSecure))
    }
    return { urls, close }
  } catch (error) {
    await close()
    throw error
  }
}

const routeIn =
  (app: FastifyInstance): RequestListener =>
  (request, response) =>
    app.routing(request, response)

function openSecure(app: FastifyInstance, { certificate, policy }: AppTls): https.Server {
  const options = { ...serverOptions, ...policy, ...certificate.current, handshakeTimeout }
  const server = https.createServer(options, routeIn(app))
  // Node reports it as `clientError` too, whose answer could not be sent.
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  return server
}

const listen = (server: Server, host: string, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })

function urlOf(server: Server, isSecure: boolean): string {
  const { address, family, port } = server.address() as AddressInfo
  const host = family === 'IPv6' ? `[${address}]` : address
  return `${isSecure ? 'https' : 'http'}://${host}:${port}`
}
