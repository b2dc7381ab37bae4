import net, { type Server } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EventLine } from '../schema/event.ts'
import type { UpstreamClient } from './ask-upstream.ts'
import { describeExchange, type NodeIdentity } from './describe-exchange.ts'
import { Exchange, type RequestHead } from './exchange.ts'
import { handleRequest, type RequestTools } from './handle-request.ts'
import { HeaderList } from './header-list.ts'
import type { FrontLimits } from './front-limits.ts'
import type { FrontEvents } from './front-events.ts'
import { openFront } from './http1/open-front.ts'
import { openUpstreamClient } from './http1/open-upstream-client.ts'
import { absentBody } from './http1/request-body.ts'
import { openHttp2Client } from './http2/open-http2-client.ts'
import { openHttp2Front } from './http2/open-http2-front.ts'
import { openPlainFront } from './http2/open-plain-front.ts'
import { holdPrograms, type HeldPrograms } from './hold-programs.ts'
import type { Program } from './program.ts'
import { sendProblem } from './send-problem.ts'
import { openStreamFront } from './stream/open-stream-front.ts'
import { openTlsFront, type CertificatePair } from './tls/open-tls-front.ts'

/** A running proxy: a front, the program it runs, and the exchanges under way. */
export type Proxy = {
  /** Accepts plain connections; the caller lets it listen. */
  readonly server: Server
  /** Accepts connections that begin with a TLS handshake; the caller lets it listen, or not. */
  readonly secureServer: Server
  /** One more server, for streams; `isSecure` says that its connections begin with a TLS handshake. The caller lets it listen. */
  addStreamServer(isSecure: boolean): Server
  /** Exchanges begun and not yet ended. */
  readonly exchanges: number
  readonly revision: number
  /** Lets new exchanges run by `program`; those under way finish by theirs, which is closed after its last one. */
  swapProgram(program: Program): void
  /** Takes no new connections, lets exchanges finish for at most `milliseconds`, then breaks what is left. */
  drain(milliseconds: number): Promise<void>
}

/** What a proxy is opened with. */
export type ProxyOptions = {
  readonly program: Program
  readonly node: NodeIdentity
  readonly limits: FrontLimits
  /** Shown for server names that no certificate covers; without it their handshakes fail. */
  readonly certificate?: CertificatePair
  /** Writes an event where it survives this process, then releases the answer; abandons it when that fails. */
  readonly record: (event: EventLine, release: () => void, abandon: () => void) => void
}

/** How long a draining proxy waits for connections that were just made to say what they want. */
const longestSilence = 1_000

/** Opens a proxy over `program`. */
export function openProxy(options: ProxyOptions): Proxy {
  const { program, limits } = options
  const upstream = openClients()
  const programs = holdPrograms(program)
  const events = frontEvents(options, programs, upstream)
  const http1 = openFront(events, limits)
  const http2 = openHttp2Front(events, limits)
  const plain = openPlainFront(limits.headMilliseconds, (socket, isHttp2) =>
    (isHttp2 ? http2 : http1).accept(socket),
  )
  const secure = openTlsFront({
    names: program.names,
    fallback: options.certificate,
    timeout: limits.headMilliseconds,
    protocols: ['h2', 'http/1.1'],
    onSecure: (socket) => (socket.alpnProtocol === 'h2' ? http2 : http1).accept(socket),
  })
  const streams = openStreamFront({ ...options, programs, timeout: limits.headMilliseconds })
  const streamServers: Server[] = []
  const server = net.createServer({ noDelay: true }, plain.accept)
  const secureServer = net.createServer({ noDelay: true }, secure.accept)

  return {
    server,
    secureServer,
    addStreamServer(isSecure) {
      const added = net.createServer({ noDelay: true, allowHalfOpen: true }, (socket) =>
        streams.accept(socket, isSecure),
      )
      streamServers.push(added)
      return added
    },
    get exchanges() {
      return programs.exchanges
    },
    get revision() {
      return programs.revision
    },
    swapProgram(next) {
      programs.swap(next)
      secure.swap(next.names)
      streams.swap(next.names)
    },
    async drain(milliseconds) {
      server.close()
      secureServer.close()
      for (const streamServer of streamServers) streamServer.close()
      await hearOut([plain, secure], milliseconds)
      plain.close()
      await Promise.all([http1, http2, streams].map((front) => front.drain(milliseconds)))
      secure.close()
      await upstream.close()
    },
  }
}

/** Waits until every connection that was just made has said what it wants. */
async function hearOut(
  fronts: readonly { readonly waiting: number }[],
  milliseconds: number,
): Promise<void> {
  const patience = performance.now() + Math.min(milliseconds, longestSilence)
  while (fronts.some(({ waiting }) => waiting > 0) && performance.now() < patience) await sleep(10)
}

/** One client for all services: each try says which protocol it is for. */
function openClients(): UpstreamClient {
  const http1 = openUpstreamClient()
  const http2 = openHttp2Client()
  return {
    send: (attempt) => (attempt.http2 === true ? http2 : http1).send(attempt),
    keepOnly(wanted) {
      http1.keepOnly(wanted)
      http2.keepOnly(wanted)
    },
    async close() {
      await Promise.all([http1.close(), http2.close()])
    },
  }
}

/** What every front hands on, whatever its protocol. */
function frontEvents(
  { node, record }: ProxyOptions,
  programs: HeldPrograms,
  upstream: UpstreamClient,
): FrontEvents {
  const tools: RequestTools = { upstream, node, record }
  return {
    onRequest(head, body, reply) {
      const { current, release } = programs.take()
      const exchange = new Exchange(current.revision, head, body, reply)
      void handleRequest(tools, current, exchange).finally(release)
      return () => {
        exchange.left = true
        exchange.onLeave?.()
      }
    },
    onMalformed(problem, reply, clientAddress) {
      const { current, release } = programs.take()
      const head = { ...noHead, clientAddress }
      const exchange = new Exchange(current.revision, head, absentBody, reply)
      const finish = sendProblem(problem, exchange)
      record(describeExchange(exchange, node), finish, () => reply.abort())
      release()
    },
  }
}

const noHead: RequestHead = {
  method: '',
  scheme: 'http',
  host: '',
  port: 0,
  path: '',
  query: '',
  headers: new HeaderList(),
  clientAddress: '',
  tlsVersion: '',
  upgrade: '',
}
