import type { Problem } from '../../lib/problem.ts'
import type { Reply, RequestBody, RequestHead } from '../exchange.ts'

/** What a front hands on. */
export type FrontEvents = {
  /** A request whose head is complete. Returns what to call when the client leaves before its answer ended. */
  onRequest(head: RequestHead, body: RequestBody, reply: Reply): () => void
  /** Bytes that are no request; the answer is given, then the connection ends. */
  onMalformed(problem: Problem, reply: Reply, clientAddress: string): void
}
