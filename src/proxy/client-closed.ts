import { Problem } from '../lib/problem.ts'

/** The client left before its answer ended; nobody hears of the status, nginx's 499, but the event. */
export const clientClosed = (): Problem =>
  new Problem('client.closed', 499, 'the client left before its answer ended')
