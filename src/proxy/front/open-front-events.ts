import type { ConnectionLimit } from '../admission/limit-connections.ts'
import type { OpenAdmission } from '../admission/open-admission.ts'
import type { UpstreamClient } from '../walk/ask-upstream.ts'
import { endExchange, logFault, type EndTools } from '../walk/end-exchange.ts'
import type { ShutdownState } from './drain-fronts.ts'
import { Exchange, type Reply, type RequestBody, type RequestHead } from '../exchange.ts'
import type { ExchangeSettings } from '../exchange-settings.ts'
import type { FrontEvents } from './front-events.ts'
import { answerFailure, handleRequest, type RequestTools } from '../walk/handle-request.ts'
import { HeaderList } from '../header-list.ts'
import type { HeldPrograms } from '../hold-programs.ts'
import { absentBody } from '../http1/request-body.ts'

export type FrontParts = {
  readonly programs: HeldPrograms
  readonly upstream: UpstreamClient
  readonly admission: OpenAdmission
  readonly connections: ConnectionLimit
  readonly shutdown: ShutdownState
}

/** Handles the events of all fronts. */
export function openFrontEvents(
  {
    node,
    record,
    checkRecording = () => undefined,
    log,
    settings,
  }: EndTools & { readonly settings?: ExchangeSettings },
  { programs, upstream, admission, connections, shutdown }: FrontParts,
): FrontEvents {
  const tools: RequestTools = {
    upstream,
    admission,
    node,
    record,
    checkRecording,
    log,
  }
  return {
    onRequest(head, body, reply) {
      const { connection } = head
      const { held, exchange } = begin(programs, head, body, reply, settings)
      if (connection !== undefined) connections.begin(connection)
      const over = (): void => {
        programs.release(held)
        // A connection that switched protocols stays busy.
        if (connection !== undefined && exchange.status !== 101) connections.end(connection)
      }
      handleRequest(tools, held.program, exchange).then(over, over)
      return () => {
        shutdown.explain(exchange)
        try {
          exchange.clientLeft()
        } catch (error) {
          logFault(
            log,
            'proxy: aborting an exchange after its client disconnected failed',
            exchange,
            error,
          )
        }
      }
    },
    onMalformed(problem, reply, clientAddress) {
      const head = { ...noHead, clientAddress }
      const exchange = new Exchange(programs.revision, head, absentBody, reply, settings)
      endExchange(tools, exchange, answerFailure(problem, { tools, exchange }))
    },
    onFault(error, client) {
      log.error('proxy: handling a connection failed', { client, error })
    },
    // Clients reset connections all the time; the log limits how many of these lines it writes.
    onClientError(error, client) {
      log.info('proxy: connection to a client failed', { client, error })
    },
  }
}

/** Opens an exchange with the current program, which it must release. */
function begin(
  programs: HeldPrograms,
  head: RequestHead,
  body: RequestBody,
  reply: Reply,
  settings: ExchangeSettings | undefined,
) {
  const held = programs.take()
  try {
    return { held, exchange: new Exchange(held.program.revision, head, body, reply, settings) }
  } catch (error) {
    programs.release(held)
    throw error
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
