import { setTimeout as sleep } from 'node:timers/promises'
import type { Egress } from '../../lib/egress.ts'
import { Exchange, type Reply, type RequestHead } from '../exchange.ts'
import type { Endpoint, Origin, Origins } from '../front/origin.ts'
import { HeaderList } from '../header-list.ts'
import type { HeldPrograms } from '../hold-programs.ts'
import { absentBody } from '../http1/request-body.ts'
import type { UdpListener } from '../listener-options.ts'
import type { Program, RouteProgram } from '../program.ts'
import { proxyStream } from '../stream/proxy-stream.ts'
import { toRouteFinder } from '../stream/to-route-finder.ts'
import { logFault, type EndTools } from '../walk/end-exchange.ts'
import { openUdpServer, type BoundUdpServer, type UdpServer } from './open-udp-server.ts'
import { openUdpSession, type KeptBytes, type UdpSession } from './open-udp-session.ts'
import { openSessionTable } from './session-table.ts'

export type UdpFrontOptions = EndTools & {
  readonly egress: Egress
  readonly programs: HeldPrograms
  readonly origins: Origins
  readonly maxSessions: number
  /** Called when the gateway ends a session, before the session is. */
  readonly onGone: (exchange: Exchange) => void
}

/** Carries datagrams. */
export type UdpFront = {
  open(this: void, listener: UdpListener): UdpServer
  /** Receives nothing more. */
  stop(this: void): void
  /** Stops, lets targets answer for at most `milliseconds`, then breaks the remaining sessions. */
  drain(milliseconds: number): Promise<void>
}

type Entry = {
  readonly session: UdpSession
  readonly exchange: Exchange
  readonly origin: Origin
  /** Undefined where finding it failed. */
  readonly route: RouteProgram | undefined
  /** The last revision in which it had this route. */
  revision: number
}

type Sender = { readonly key: string; readonly client: Endpoint; readonly server: BoundUdpServer }

/** Milliseconds without a datagram after which a session ends when its worker stops. */
const maxSilence = 1_000

/** Opens a UDP front. A client address has one session with each listener. It keeps its target, and ends when a change of the configuration gives it another route. */
export function openUdpFront(options: UdpFrontOptions): UdpFront {
  const { programs, origins, egress, log } = options
  const table = openSessionTable<Entry>(options.maxSessions)
  const memory: KeptBytes = { bytes: 0 }
  const servers: BoundUdpServer[] = []
  let isDraining = false

  const isCurrent = (entry: Entry): boolean => {
    if (entry.revision === programs.revision) return true
    const held = programs.take()
    try {
      const isSame = findStream(held.program, entry.origin) === entry.route
      if (isSame) entry.revision = held.program.revision
      return isSame
    } finally {
      programs.release(held)
    }
  }
  const begin = (listener: UdpListener, datagram: Buffer, sender: Sender): void => {
    const { key, client, server } = sender
    const origin = origins.ofDatagrams(client, server.local)
    const held = programs.take()
    try {
      const findRoute = toRouteFinder(() => findStream(held.program, origin))
      const removed = findRoute === undefined ? undefined : table.makeRoom()
      if (removed === 'full')
        log.warn('proxy: datagram dropped, too many UDP sessions', { client: client.address })
      if (findRoute === undefined || removed === 'full') return programs.release(held)
      removed?.session.end()
      const { revision } = held.program
      const exchange = exchangeOf(origin, revision, () => entry.session)
      const answer = (bytes: Buffer): void => {
        server.send(bytes, client)
        table.touch(key, entry)
      }
      const { responses } = listener
      const session = openUdpSession({ exchange, egress, memory, responses, answer })
      const entry: Entry = { session, exchange, origin, route: routeOf(findRoute), revision }
      table.add(key, entry)
      session.receive(datagram)
      void proxyStream(options, held.program, findRoute, exchange, session.transport).finally(
        () => {
          table.delete(key, entry)
          programs.release(held)
        },
      )
    } catch (error) {
      programs.release(held)
      throw error
    }
  }
  const receive = (listener: UdpListener, datagram: Buffer, sender: Sender): void => {
    const known = table.get(sender.key)
    if (known !== undefined && isCurrent(known)) {
      known.session.receive(datagram)
      return table.touch(sender.key, known)
    }
    if (known !== undefined) {
      table.delete(sender.key, known)
      known.session.end()
    }
    if (!isDraining) begin(listener, datagram, sender)
  }
  const stop = (): void => {
    isDraining = true
    for (const server of servers) server.stop()
  }
  const breakAll = (): void => {
    for (const { exchange } of table.entries()) {
      try {
        options.onGone(exchange)
        exchange.clientLeft()
      } catch (error) {
        logFault(log, 'proxy: stopping a UDP session failed', exchange, error)
      }
    }
  }

  return {
    open(listener) {
      const receiver = {
        receive(datagram: Buffer, client: Endpoint, server: BoundUdpServer) {
          const key = `${server.local.port} ${server.local.address} ${client.port} ${client.address}`
          receive(listener, datagram, { key, client, server })
        },
        onFault: (error: unknown) => log.error('proxy: UDP socket failed', { error }),
        log,
      }
      return openUdpServer(receiver, (server) => servers.push(server))
    },
    stop,
    async drain(milliseconds) {
      stop()
      const deadline = performance.now() + milliseconds
      while (table.size > 0 && performance.now() < deadline) {
        const silent = performance.now() - maxSilence
        for (const { session } of table.entries()) if (session.activeAt < silent) session.end()
        await sleep(20)
      }
      breakAll()
      for (const server of servers.splice(0)) server.close()
    },
  }
}

const findStream = (program: Program, { client, local }: Origin): RouteProgram | undefined =>
  program.streams.find({
    kinds: ['udp'],
    serverName: undefined,
    source: client,
    destination: local,
  })

function routeOf(findRoute: () => RouteProgram): RouteProgram | undefined {
  try {
    return findRoute()
  } catch {
    // The walk reports it.
    return undefined
  }
}

/** A session as an exchange: no method, no path, and an answer that has no end. */
function exchangeOf(
  { client, local }: Origin,
  revision: number,
  session: () => UdpSession,
): Exchange {
  const head: RequestHead = {
    scheme: 'udp',
    method: '',
    host: '',
    path: '',
    query: '',
    headers: new HeaderList(),
    clientAddress: client.address,
    localPort: local.port,
    port: local.port,
    tlsVersion: '',
    upgrade: '',
  }
  const body = {
    ...absentBody,
    get received() {
      return session().received
    },
  }
  const reply: Reply = {
    begin: () => undefined,
    write: () => true,
    pendingBytes: 0,
    onWritable: () => undefined,
    finish: () => session().close(),
    abort: () => session().close(),
  }
  return new Exchange(revision, head, body, reply)
}
