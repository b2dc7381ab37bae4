import net, { type Server } from 'node:net'
import type { EventLine } from '../schema/event.ts'
import type { UpstreamClient } from './ask-upstream.ts'
import { describeExchange, type NodeIdentity } from './describe-exchange.ts'
import { Exchange, type RequestHead } from './exchange.ts'
import { handleRequest, type RequestTools } from './handle-request.ts'
import { HeaderList } from './header-list.ts'
import type { FrontLimits } from './front-limits.ts'
import { openFront } from './http1/open-front.ts'
import { openUpstreamClient } from './http1/open-upstream-client.ts'
import { absentBody } from './http1/request-body.ts'
import { holdPrograms } from './hold-programs.ts'
import type { Program } from './program.ts'
import { sendProblem } from './send-problem.ts'

/** A running proxy: a front, the program it runs, and the exchanges under way. */
export type Proxy = {
  /** Accepts connections for the front; the caller lets it listen. */
  readonly server: Server
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
  /** Writes an event where it survives this process, then releases the answer; abandons it when that fails. */
  readonly record: (event: EventLine, release: () => void, abandon: () => void) => void
}

/** Opens a proxy over `program`. */
export function openProxy({ program, node, limits, record }: ProxyOptions): Proxy {
  const upstream: UpstreamClient = openUpstreamClient()
  const programs = holdPrograms(program)

  const tools: RequestTools = { upstream, node, record }
  const front = openFront(
    {
      onRequest(head, body, reply) {
        const { current, release } = programs.take()
        const exchange = new Exchange(current.revision, head, body, reply)
        void handleRequest(tools, current, exchange).then(release, release)
        return () => {
          exchange.left = true
          exchange.onLeave?.()
        }
      },
      onMalformed(problem, reply, clientAddress) {
        const { current, release } = programs.take()
        const exchange = new Exchange(
          current.revision,
          { ...noHead, clientAddress },
          absentBody,
          reply,
        )
        const finish = sendProblem(problem, exchange)
        record(describeExchange(exchange, node), finish, () => reply.abort())
        release()
      },
    },
    limits,
  )

  const server = net.createServer({ noDelay: true }, front.accept)

  return {
    server,
    get exchanges() {
      return programs.exchanges
    },
    get revision() {
      return programs.revision
    },
    swapProgram: programs.swap,
    async drain(milliseconds) {
      server.close()
      await front.drain(milliseconds)
      await upstream.close()
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
