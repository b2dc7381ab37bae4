import type { Problem } from '../../lib/problem.ts'
import type { Exchange, RequestHead } from '../exchange.ts'
import { HeaderList } from '../header-list.ts'

/** Whether a request is a gRPC call, whose refusals are to be told in gRPC's own form. */
export const isGrpc = ({ http2, headers }: RequestHead): boolean =>
  http2 === true && headers.get('content-type')?.startsWith('application/grpc') === true

/** Gives back how to refuse a gRPC call: by an answer that is nothing but fields, with status 200 as clients of gRPC demand. The event keeps the HTTP status that the refusal stands for. */
export function sendGrpcProblem(problem: Problem, exchange: Exchange): () => void {
  const headers = new HeaderList([...exchange.answerHeaders.flat])
  for (const [name, value] of Object.entries(problem.headers)) headers.set(name, value)
  headers.set('Content-Type', 'application/grpc')
  if (headers.get('grpc-status') === undefined)
    headers.set('grpc-status', String(grpcStatusOf(problem.status)))
  headers.set('grpc-message', percentEncode(problem.message))
  headers.set('X-Kong-Request-Id', exchange.id)
  headers.set('Server', 'weir')
  exchange.responseBytes = 0
  return () => {
    exchange.reply.begin(200, headers)
    exchange.reply.finish()
  }
}

/** Kong's table of statuses, which is that of google.rpc.Code read backwards. */
const grpcStatuses: Readonly<Record<number, number>> = {
  200: 0,
  400: 3,
  401: 16,
  403: 7,
  404: 5,
  408: 4,
  409: 6,
  413: 8,
  415: 12,
  426: 9,
  429: 8,
  499: 1,
  500: 13,
  501: 12,
  502: 14,
  503: 14,
  504: 4,
}

function grpcStatusOf(status: number): number {
  const unknown = 2
  return grpcStatuses[status] ?? unknown
}

/** The form of grpc-message: everything but visible ASCII, and the percent sign, as bytes of UTF-8. */
function percentEncode(text: string): string {
  return [...Buffer.from(text)]
    .map((byte) =>
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
    )
    .join('')
}
