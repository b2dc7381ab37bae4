import { randomBytes } from 'node:crypto'
import net, { type Server, type Socket } from 'node:net'
import { openEgress, type Egress } from '../lib/egress.ts'
import type { Log } from '../lib/log.ts'
import { limitConnections, type ConnectionLimit } from './admission/limit-connections.ts'
import { openAdmission } from './admission/open-admission.ts'
import { openConnectionRejection } from './admission/reject-connection.ts'
import {
  defaultOriginSettings,
  type OriginSettings,
  type StreamListener,
  type UdpListener,
} from './listener-options.ts'
import { defaultExchangeSettings, type ExchangeSettings } from './exchange-settings.ts'
import { defaultAdmissionLimits, type AdmissionLimits, type FrontLimits } from './limits.ts'
import type { UpstreamClient } from './walk/ask-upstream.ts'
import type { EndTools } from './walk/end-exchange.ts'
import { drainFronts, openShutdownState } from './front/drain-fronts.ts'
import type { FrontEvents } from './front/front-events.ts'
import { type ListenerProtocol, openOrigins, type Origin } from './front/origin.ts'
import { holdPrograms } from './hold-programs.ts'
import { openFront } from './http1/open-front.ts'
import { openHttp1Client } from './http1/open-http1-client.ts'
import { openHttp2Client, openNegotiatingClient } from './http2/open-http2-client.ts'
import { openHttp2Front } from './http2/open-http2-front.ts'
import { openPlainFront } from './http2/open-plain-front.ts'
import { openFrontEvents, type FrontParts } from './front/open-front-events.ts'
import type { Program } from './program.ts'
import { openProxyProtocolFront } from './proxy-protocol/open-proxy-protocol-front.ts'
import { openStreamFront } from './stream/open-stream-front.ts'
import { openStaples } from './tls/ocsp/open-staples.ts'
import { openTlsFront, type CertificatePair } from './tls/open-tls-front.ts'
import { openUdpFront } from './udp/open-udp-front.ts'
import type { UdpServer } from './udp/open-udp-server.ts'
import { openTicketKeys, type TicketKeys } from './ticket-keys.ts'
import { defaultTlsPolicy, type TlsPolicy } from './tls-policy.ts'

export type Proxy = {
  /** For plain connections. The caller calls `listen`, here and below. */
  readonly server: Server
  /** For TLS connections. */
  readonly secureServer: Server
  /** Adds a server for streams. */
  addStreamServer(listener: StreamListener & { readonly readsProxy?: boolean }): Server
  /** Adds a server for UDP streams. */
  addUdpServer(listener: UdpListener): UdpServer
  /** In flight. */
  readonly exchanges: number
  readonly revision: number
  /** Of clients: accepted since the start, open, and their requests since the start. */
  readonly connections: {
    readonly accepted: number
    readonly open: number
    readonly requests: number
  }
  /** Exchanges in flight finish with the previous program, which is closed after the last one. */
  swapProgram(program: Program): void
  /** Stops accepting connections, waits at most `milliseconds` for exchanges to finish, then breaks and records the remaining ones. A second call may shorten the wait. */
  drain(milliseconds: number): Promise<void>
}

export type ProxyOptions = {
  readonly program: Program
  readonly limits: FrontLimits
  readonly admission?: AdmissionLimits
  /** For server names that no certificate covers; without it their handshakes fail. */
  readonly certificate?: CertificatePair
  /** Default: as in Kong. */
  readonly settings?: Omit<ExchangeSettings, 'instance'>
  /** Default: the rule without settings of the operator. */
  readonly egress?: Egress
  readonly origins?: OriginSettings
  readonly tls?: TlsOptions
  /** The listeners whose connections begin with a PROXY header. */
  readonly readsProxy?: { readonly plain: boolean; readonly secure: boolean }
} & EndTools

export type TlsOptions = {
  readonly policy: TlsPolicy
  /** Undefined where there are no session tickets. */
  readonly tickets: TicketKeys | undefined
}

export function openProxy(options: ProxyOptions): Proxy {
  const { egress = openEgress() } = options
  const upstream = openClients(options.log, egress)
  const programs = holdPrograms(options.program)
  const limits = options.admission ?? defaultAdmissionLimits
  const admission = openAdmission(limits)
  const shutdown = openShutdownState()
  const connections: ConnectionLimit = limitConnections({
    max: limits.connections,
    closeSilent: () => proxied.silent.closeSilent() || plain.silent.closeSilent(),
  })
  const parts = { programs, upstream, admission, connections, shutdown, egress }
  const instance = randomBytes(4).toString('hex')
  const settings = { ...(options.settings ?? defaultExchangeSettings), instance }
  const events = openFrontEvents({ ...options, settings }, parts)
  const origins = openOrigins(options.origins ?? defaultOriginSettings)
  const fronts = openFronts(options, events, parts)
  const udp = openUdpFront({
    ...options,
    programs,
    origins,
    egress,
    maxSessions: limits.udpSessions,
    onGone: shutdown.explain,
  })
  const { plain, secure, streams } = fronts
  const proxied = openProxyProtocolFront(options.limits.headMilliseconds, events.onFault)
  const rejectConnection = openConnectionRejection(events)
  const admit =
    ({ protocol, readsProxy, speaksHttp, accept }: Listener) =>
    (socket: Socket) => {
      try {
        if (!connections.admit(socket)) rejectConnection(socket, speaksHttp && !readsProxy)
        else if (!readsProxy) accept(socket, origins.of(socket, protocol))
        else
          proxied.accept(socket, (source) => accept(socket, origins.of(socket, protocol, source)))
      } catch (error) {
        events.onFault(error)
        socket.destroy()
      }
    }
  const { readsProxy = { plain: false, secure: false } } = options
  const server = net.createServer(
    { noDelay: true },
    admit({
      protocol: 'http',
      readsProxy: readsProxy.plain,
      speaksHttp: true,
      accept: plain.accept,
    }),
  )
  const secureServer = net.createServer(
    { noDelay: true },
    admit({
      protocol: 'http',
      readsProxy: readsProxy.secure,
      speaksHttp: false,
      accept: secure.accept,
    }),
  )
  const streamServers: Server[] = []

  return {
    server,
    secureServer,
    addStreamServer({ readsProxy: isProxied = false, ...listener }) {
      const added = net.createServer(
        { noDelay: true, allowHalfOpen: true },
        admit({
          protocol: 'stream',
          readsProxy: isProxied,
          speaksHttp: false,
          accept: (socket, origin) => streams.accept(socket, listener, origin),
        }),
      )
      streamServers.push(added)
      return added
    },
    addUdpServer: udp.open,
    get exchanges() {
      return programs.exchanges
    },
    get revision() {
      return programs.revision
    },
    get connections() {
      const { accepted, open, requests } = connections
      return { accepted, open, requests }
    },
    swapProgram(next) {
      // Certificates that cannot be shown leave the previous program.
      secure.swap(next.names)
      streams.swap(next.names)
      programs.swap(next)
    },
    async drain(milliseconds) {
      server.close()
      secureServer.close()
      for (const streamServer of streamServers) streamServer.close()
      udp.stop()
      const serving = [...fronts.serving, udp]
      const detecting = [proxied.silent, plain.silent, secure]
      const closeSilent = (): void => {
        proxied.silent.close()
        plain.silent.close()
      }
      await drainFronts({ detecting, closeSilent, serving, ...parts }, milliseconds)
      secure.close()
      admission.close()
      await upstream.close()
    },
  }
}

type Listener = {
  readonly protocol: ListenerProtocol
  /** Whether they begin with a PROXY header. */
  readonly readsProxy: boolean
  /** Whether a refusal is answered as HTTP. */
  readonly speaksHttp: boolean
  readonly accept: (socket: Socket, origin: Origin) => void
}

/** One front for each protocol, behind those that detect it. */
function openFronts(
  options: ProxyOptions,
  events: FrontEvents,
  {
    programs,
    shutdown,
    egress,
  }: Pick<FrontParts, 'programs' | 'shutdown'> & { readonly egress: Egress },
) {
  const { program, limits, certificate, log } = options
  const timeout = limits.headMilliseconds
  const http1 = openFront(events, limits)
  const http2 = openHttp2Front(events, limits)
  const plain = openPlainFront(timeout, (socket, origin, isHttp2, first) => {
    try {
      ;(isHttp2 ? http2 : http1).accept(socket, first, origin)
    } catch (error) {
      events.onFault(error)
      socket.destroy()
    }
  })
  const offered = options.tls ?? { policy: defaultTlsPolicy, tickets: openTicketKeys() }
  const tls = { ...offered, staples: openStaples(egress, log) }
  const secure = openTlsFront({
    ...tls,
    names: program.names,
    fallback: certificate,
    timeout,
    log,
    protocols: ['h2', 'http/1.1'],
    onSecure: (socket, origin) =>
      (socket.alpnProtocol === 'h2' ? http2 : http1).accept(socket, undefined, origin),
  })
  const streams = openStreamFront({
    ...options,
    programs,
    egress,
    tls,
    timeout,
    onGone: shutdown.explain,
  })
  return { plain, secure, streams, serving: [http1, http2, streams] }
}

/** One client for all services; each request says which protocol it uses. */
function openClients(log: Log, egress: Egress): UpstreamClient {
  const http1 = openHttp1Client(egress)
  const http2 = openHttp2Client(log, egress)
  const negotiating = openNegotiatingClient(http1, http2)
  return {
    send(attempt) {
      if (attempt.offersHttp2 === true) return negotiating.send(attempt)
      return (attempt.http2 === true ? http2 : http1).send(attempt)
    },
    keepOnly(wanted) {
      http1.keepOnly(wanted)
      http2.keepOnly(wanted)
    },
    async close() {
      await Promise.all([http1.close(), http2.close()])
    },
  }
}
