import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Exchange, type RequestBody, type Reply, type RequestHead } from '../exchange.ts'
import { logFault, type EndTools } from '../walk/end-exchange.ts'
import { HeaderList } from '../header-list.ts'
import type { HeldPrograms } from '../hold-programs.ts'
import { absentBody } from '../http1/request-body.ts'
import {
  openTlsFront,
  type CertificatePair,
  type TlsFront,
  type TlsFrontOptions,
} from '../tls/open-tls-front.ts'
import { defaultTlsPolicy } from '../tls-policy.ts'
import { readConnection } from '../tls/read-connection.ts'
import { guardHandler } from '../front/guard-handler.ts'
import type { Egress } from '../../lib/egress.ts'
import { type Origin, socketOrigin } from '../front/origin.ts'
import type { StreamListener } from '../listener-options.ts'
import { writeProxyHeader } from '../proxy-protocol/write-proxy-header.ts'
import { proxyStream } from './proxy-stream.ts'
import type { StreamKind } from './compile-streams.ts'
import { toRouteFinder } from './to-route-finder.ts'
import { openTcpTransport } from './open-tcp-transport.ts'
import { readClientHello } from './read-client-hello.ts'

export type StreamFrontOptions = EndTools & {
  readonly egress: Egress
  readonly programs: HeldPrograms
  /** Default certificate. */
  readonly certificate?: CertificatePair
  /** Default: the default policy, without session tickets. */
  readonly tls?: Pick<TlsFrontOptions, 'policy' | 'tickets' | 'staples'>
  /** Handshake timeout in milliseconds. */
  readonly timeout: number
  /** Called when the client of a stream has disconnected, before the stream is. */
  readonly onGone: (exchange: Exchange) => void
}

/** Proxies connections of unknown protocols. */
export type StreamFront = Pick<TlsFront, 'swap'> & {
  /** Takes over a connected socket; `secure` when it begins with a TLS handshake. */
  accept(socket: Socket, listener: StreamListener, origin?: Origin): void
  /** Lets streams end for at most `milliseconds`, then breaks the remaining ones. */
  drain(milliseconds: number): Promise<void>
}

/** Opens a stream front. Where the first route for a handshake is for `tls_passthrough`, the handshake is forwarded, else it is done here for a route for `tls`. */
export function openStreamFront(options: StreamFrontOptions): StreamFront {
  const { programs, certificate, timeout, log } = options
  const open = new Set<Socket>()
  const secured = new WeakMap<Origin, StreamListener>()
  const take = (
    { socket, listener, origin }: Accepted,
    kind: StreamKind,
    name?: string,
  ): boolean => {
    const held = programs.take()
    let find: ReturnType<typeof toRouteFinder>
    let exchange: Exchange
    try {
      find = toRouteFinder(() =>
        held.program.streams.find({
          kinds: [kind],
          serverName: name,
          source: origin.client,
          destination: origin.local,
        }),
      )
      if (find === undefined) {
        programs.release(held)
        return false
      }
      const scheme = kind === 'tcp' ? 'tcp' : 'tls'
      exchange = exchangeOf({ socket, origin }, { scheme, host: name ?? '' }, held.program.revision)
    } catch (error) {
      programs.release(held)
      throw error
    }
    socket.on('error', (error) => {
      log.info('proxy: connection to a client failed', { request_id: exchange.id, error })
    })
    socket.on('close', () => {
      try {
        options.onGone(exchange)
        exchange.clientLeft()
      } catch (error) {
        logFault(
          log,
          'proxy: aborting a stream after its client disconnected failed',
          exchange,
          error,
        )
      }
    })
    const { sendsProxy } = listener
    const preface = sendsProxy && writeProxyHeader(sendsProxy, origin.client, origin.local)
    const transport = openTcpTransport({ socket, preface }, exchange, options.egress)
    void proxyStream(options, held.program, find, exchange, transport).finally(() =>
      programs.release(held),
    )
    return true
  }
  const held = programs.take()
  const tls = openTlsFront({
    ...(options.tls ?? { policy: defaultTlsPolicy, tickets: undefined }),
    names: held.program.names,
    fallback: certificate,
    timeout,
    log,
    protocols: [],
    onSecure: (socket, origin) => {
      const listener = secured.get(origin) ?? { isSecure: true }
      const { serverName } = readConnection(socket, origin)
      if (!take({ socket, listener, origin }, 'tls', serverName)) socket.destroy()
    },
  })
  programs.release(held)

  return {
    accept(socket, listener, origin = socketOrigin(socket)) {
      const accepted = { socket, listener, origin }
      open.add(socket)
      socket.once('close', () => open.delete(socket))
      if (listener.isSecure) {
        secured.set(origin, listener)
        const fail = (error: unknown): void => {
          log.error('proxy: handling a connection failed', { error })
          socket.destroy()
        }
        const onHello = (name: string | undefined): void => {
          const isPassed = passesThrough(programs, origin, name)
          if (!isPassed) tls.accept(socket, origin)
          else if (!take(accepted, 'tls_passthrough', name)) socket.destroy()
        }
        awaitHello(socket, timeout, { onHello, fail })
      } else if (!take(accepted, 'tcp')) socket.destroy()
    },
    swap: tls.swap,
    async drain(milliseconds) {
      const deadline = performance.now() + milliseconds
      while (open.size > 0 && performance.now() < deadline) await sleep(20)
      for (const socket of open) socket.destroy()
    },
  }
}

/** Whether the route that comes first for a TLS connection is one that does not terminate TLS. */
function passesThrough(
  programs: HeldPrograms,
  { client, local }: Origin,
  serverName: string | undefined,
): boolean {
  const held = programs.take()
  try {
    const found = held.program.streams.find({
      kinds: ['tls', 'tls_passthrough'],
      serverName,
      source: client,
      destination: local,
    })
    return found !== undefined && !found.route.protocols.includes('tls')
  } finally {
    programs.release(held)
  }
}

/** Calls back with the server name once the whole ClientHello is there, and leaves it in the socket; closes connections without one, or that take too long. */
function awaitHello(
  socket: Socket,
  timeout: number,
  {
    onHello,
    fail,
  }: {
    readonly onHello: (serverName: string | undefined) => void
    readonly fail: (error: unknown) => void
  },
): void {
  let bytes = Buffer.alloc(0)
  // Nothing was forwarded yet.
  const close = (): void => void socket.destroy()
  const late = setTimeout(close, timeout)
  const read = guardHandler((part: Buffer): void => {
    bytes = Buffer.concat([bytes, part])
    const hello = readClientHello(bytes)
    if (hello === 'more') return
    if (hello === 'none') return close()
    clearTimeout(late)
    socket.off('error', close)
    socket.off('data', read)
    socket.pause()
    socket.unshift(bytes)
    onHello(hello.serverName)
  }, fail)
  socket.once('close', () => clearTimeout(late))
  socket.on('error', close)
  socket.on('data', read)
  // It was paused where a PROXY header was read.
  socket.resume()
}

type Accepted = {
  readonly socket: Socket
  readonly listener: StreamListener
  readonly origin: Origin
}

/** A stream as an exchange: no method, no path, and an answer that is the connection itself. */
function exchangeOf(
  { socket, origin }: Pick<Accepted, 'socket' | 'origin'>,
  named: Pick<RequestHead, 'scheme' | 'host'>,
  revision: number,
): Exchange {
  const { proxy, ...connection } = readConnection(socket, origin)
  const head: RequestHead = {
    ...connection,
    ...named,
    method: '',
    port: connection.localPort,
    proxyAddress: proxy?.address,
    path: '',
    query: '',
    headers: new HeaderList(),
    upgrade: '',
  }
  const body: RequestBody = {
    ...absentBody,
    get received() {
      return socket.bytesRead
    },
  }
  return new Exchange(revision, head, body, replyTo(socket))
}

/** Only the end of a stream is left to send. */
const replyTo = (socket: Socket): Reply => ({
  begin: () => undefined,
  write: () => true,
  pendingBytes: 0,
  onWritable: () => undefined,
  finish: () => void socket.end(),
  abort() {
    // After a part of the answer, a plain end would look to the client as if the stream were complete.
    const isPartial = socket.bytesWritten > 0 && !('encrypted' in socket)
    if (isPartial) socket.resetAndDestroy()
    else socket.destroy()
  },
})
