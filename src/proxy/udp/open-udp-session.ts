import dgram from 'node:dgram'
import { isIPv6 } from 'node:net'
import { nowMicroseconds } from '../../lib/clock.ts'
import { assertAllowed, type Egress } from '../../lib/egress.ts'
import { Problem } from '../../lib/problem.ts'
import type { TargetAddress } from '../balance/target.ts'
import { clientClosed, type Exchange } from '../exchange.ts'
import { toAttemptFailure } from '../http1/upstream-failure.ts'
import type { RouteProgram } from '../program.ts'
import type { StreamTransport } from '../stream/proxy-stream.ts'
import { AttemptFailure, type Answer, type UpstreamRequest } from '../walk/ask-upstream.ts'
import { knownAddress } from './known-address.ts'
import type { TableSession } from './session-table.ts'

/** The datagrams of one client, and a socket for those to and from its target. */
export type UdpSession = TableSession & {
  readonly transport: StreamTransport
  /** Bytes received from the client. */
  readonly received: number
  /** Takes a datagram of the client. */
  receive(datagram: Buffer): void
  /** Ends the session as if it were idle; one that still waits for a target fails. */
  end(): void
  /** Closes the socket for the target. */
  close(): void
}

export type UdpSessionOptions = {
  readonly exchange: Exchange
  readonly egress: Egress
  readonly memory: KeptBytes
  /** As nginx's `proxy_responses`; undefined for any number. */
  readonly responses: number | undefined
  /** Sends a datagram of the target to the client. */
  readonly answer: (datagram: Buffer) => void
}

/** Bytes of datagrams that all sessions of a worker keep. */
export type KeptBytes = { bytes: number }

/** Most bytes that one session keeps for the next target, and all of them. */
const maxKept = 65_536
const maxKeptByAll = 16_777_216

/** Most bytes in the send queue of a socket; further datagrams are dropped, as in a network. */
const maxQueued = 1_048_576

type Attempt = { resolve(): void; reject(error: unknown): void; readonly timer: NodeJS.Timeout }

/**
 * Opens a session. UDP has no handshake, so a target counts as connected with its first answer, or after
 * `connect_timeout`. Until then, datagrams are kept: when the target's host reports a closed port (ICMP), the next
 * target gets them.
 */
export function openUdpSession(options: UdpSessionOptions): UdpSession {
  const { exchange, egress, memory, responses, answer } = options
  const kept: Buffer[] = []
  let keptBytes = 0
  let isKeeping = true
  let target: dgram.Socket | undefined
  // Datagrams sent before that would have no destination.
  let isOpen = false
  let attempt: Attempt | undefined
  let passing: { end(): void; fail(error: unknown): void } | undefined
  let isEnded = false
  let [requests, answers, received, sent] = [0, 0, 0, 0]
  let activeAt = performance.now()
  let isConfirmed = false

  const forget = (): void => {
    memory.bytes -= keptBytes
    keptBytes = 0
    kept.length = 0
    isKeeping = false
  }
  const keep = (datagram: Buffer): void => {
    if (!isKeeping) return
    const { length } = datagram
    const isRoom =
      keptBytes + length <= maxKept && memory.bytes + length <= maxKeptByAll && kept.length < 1_024
    // Without a target they cannot be forwarded; with one, no other target can get all of them.
    if (!isRoom) return attempt === undefined ? undefined : connected()
    kept.push(datagram)
    keptBytes += length
    memory.bytes += length
  }
  const forward = (datagram: Buffer): void => {
    if (target === undefined || target.getSendQueueSize() > maxQueued) return
    const socket = target
    socket.send(datagram, (error) => error !== null && failTarget(socket, error))
  }
  const closeTarget = (): void => {
    const socket = target
    target = undefined
    isOpen = false
    socket?.close()
  }
  const settle = (): Attempt | undefined => {
    const settled = attempt
    clearTimeout(settled?.timer)
    attempt = undefined
    return settled
  }
  const connected = (): void => {
    const settled = settle()
    if (settled === undefined) return
    forget()
    settled.resolve()
  }
  const failTarget = (socket: dgram.Socket, error: unknown): void => {
    if (socket !== target) return
    closeTarget()
    const settled = settle()
    if (settled === undefined) passing?.fail(error)
    else settled.reject(error)
  }
  const isComplete = (): boolean => responses !== undefined && answers >= responses * requests
  const takeAnswer = (datagram: Buffer): void => {
    activeAt = performance.now()
    answers += 1
    sent += datagram.length
    answer(datagram)
    connected()
    if (isComplete()) passing?.end()
  }
  const open = (address: string, port: number): void => {
    const socket = dgram.createSocket({
      type: isIPv6(address) ? 'udp6' : 'udp4',
      lookup: knownAddress,
    })
    target = socket
    socket.on('error', (error) => failTarget(socket, error))
    socket.on('message', takeAnswer)
    socket.connect(port, address, ((error?: Error) => {
      if (error !== undefined) return failTarget(socket, error)
      if (socket !== target) return
      isOpen = true
      for (const datagram of kept) forward(datagram)
      if (responses === 0) connected()
    }) as () => void)
  }
  const send = (request: UpstreamRequest): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const { target: address, timeouts } = request
      attempt = {
        resolve: () => resolve({ status: 200, headers: request.headers, body: undefined }),
        reject: (error) =>
          reject(error instanceof AttemptFailure ? error : toAttemptFailure(error, 'connect')),
        timer: setTimeout(connected, timeouts.connect),
      }
      const fail = (error: unknown): void => {
        closeTarget()
        settle()?.reject(error)
      }
      if (request.secure) return fail(new AttemptFailure('sent', noDtls()))
      let isAborted = false
      request.onStart((reason) => {
        isAborted = true
        fail(reason)
      })
      // For this session, the client has disconnected.
      if (isAborted) return
      try {
        open(allowedAddress(address, egress), address.port)
      } catch (error) {
        fail(error)
      }
    })
  const pass = (_answer: Answer, route: RouteProgram): Promise<void> =>
    new Promise((resolve, reject) => {
      const patience = route.service?.service.read_timeout ?? 0
      let timer: NodeJS.Timeout | undefined
      const stop = (problem?: Problem): void => {
        if (passing === undefined) return
        passing = undefined
        clearTimeout(timer)
        exchange.offClientGone(gone)
        exchange.upstream.finishedAt = nowMicroseconds()
        exchange.responseBytes = sent
        closeTarget()
        if (problem === undefined) resolve()
        else reject(problem)
      }
      const fail = (error: unknown): void => {
        const { problem } = toAttemptFailure(error, 'sent')
        const last = exchange.upstream.attempts.at(-1)
        if (passing !== undefined && last !== undefined)
          route.service?.pool.failed(last.target, problem.status === 504 ? 'timeout' : 'broken')
        stop(problem)
      }
      const gone = (): void => stop(clientClosed())
      const watch = (): void => {
        const left = activeAt + patience - performance.now()
        if (left > 0) timer = setTimeout(watch, left)
        else if (responses === undefined || isComplete()) stop()
        else fail(Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' }))
      }
      passing = { end: stop, fail }
      exchange.onClientGone(gone)
      if (isEnded || isComplete()) stop()
      else watch()
    })

  return {
    transport: {
      client: { send, keepOnly: () => undefined, close: () => Promise.resolve() },
      pass,
    },
    get activeAt() {
      return activeAt
    },
    get isConfirmed() {
      return isConfirmed
    },
    get received() {
      return received
    },
    receive(datagram) {
      activeAt = performance.now()
      isConfirmed ||= answers > 0
      requests += 1
      received += datagram.length
      keep(datagram)
      if (isOpen) forward(datagram)
    },
    end() {
      isEnded = true
      if (passing !== undefined) return passing.end()
      if (attempt !== undefined) return connected()
      exchange.refuse('failed', '', endedEarly())
      exchange.clientLeft()
    },
    close() {
      isEnded = true
      forget()
      closeTarget()
    },
  }
}

/** The first allowed address of a target; throws an EgressDenied when there is none. */
function allowedAddress({ host, port, alternatives }: TargetAddress, egress: Egress): string {
  const found = [host, ...alternatives].find(
    (address) => egress.refusalOf(address, port) === undefined,
  )
  if (found === undefined) assertAllowed(egress, host, port)
  return found ?? host
}

const noDtls = (): Problem =>
  new Problem(
    'stream.no_dtls',
    502,
    'A service with TLS cannot be reached over UDP, because DTLS is not supported',
  )

const endedEarly = (): Problem =>
  new Problem('stream.ended', 503, 'The UDP session ended before a target was selected')
