import type { Problem } from '../../lib/problem.ts'
import type { Reply, RequestBody, RequestHead } from '../exchange.ts'

/** Called by fronts. */
export type FrontEvents = {
  /** The head of a request is complete. Returns a function to call if the client leaves before its answer ended. */
  onRequest(head: RequestHead, body: RequestBody, reply: Reply): () => void
  /** The bytes are not a valid request. The client gets an error response, then the connection ends. */
  onMalformed(problem: Problem, reply: Reply, clientAddress: string): void
  /** The handler of an event of a connection threw, beside any exchange. The front ends the stream or connection; its exchange ends as if the client had disconnected. */
  onFault(this: void, error: unknown, clientAddress?: string): void
  /** The connection to a client failed, for example by a reset. The front closes it. */
  onClientError(this: void, error: unknown, clientAddress: string): void
}
