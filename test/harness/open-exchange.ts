import { PassThrough } from 'node:stream'
import { Exchange, type RequestHead } from '../../src/proxy/exchange.ts'
import { ClientReply } from '../../src/proxy/http1/client-reply.ts'
import { absentBody } from '../../src/proxy/http1/request-body.ts'
import { buildExchange } from './build-target.ts'

/** An HTTP/1.1 response as it was written. */
export type Written = {
  readonly status: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** An exchange without a request body, whose response is written to memory. */
export function openExchange(fields: Partial<RequestHead> = {}) {
  const socket = new PassThrough()
  const { request } = buildExchange(fields)
  const connection = {
    mayKeepAlive: () => true,
    answered: () => undefined,
    switched: () => undefined,
  }
  const reply = new ClientReply({ socket, method: request.method, minor: 1, connection })
  return {
    exchange: new Exchange(1, request, absentBody, reply),
    /** Output since the last call of this or of `text`. */
    written: (): Written | undefined => parse(String(socket.read() ?? '')),
    text: (): string => String(socket.read() ?? ''),
    get isAborted() {
      return socket.destroyed
    },
  }
}

function parse(text: string): Written | undefined {
  if (text === '') return undefined
  const [head = '', body = ''] = text.split(/\r\n\r\n([^]*)/)
  const [start = '', ...lines] = head.split('\r\n')
  const headers = Object.fromEntries(
    lines.map((line) => [
      line.slice(0, line.indexOf(':')).toLowerCase(),
      line.slice(line.indexOf(':') + 2),
    ]),
  )
  return { status: Number(start.slice(9, 12)), headers, body }
}
