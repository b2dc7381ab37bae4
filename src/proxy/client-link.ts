import type { Socket } from 'node:net'

/** A client's connection as its requests have it in common: it is the same object for all of them. */
export type ClientLink = {
  readonly socket: Socket
  /** Requests of it that are under way; a tunnel stays one. */
  exchanges: number
  /** When the last of them ended, by `performance.now()`. */
  idleSince: number
}

/** The link of a connection that was just made. */
export const newLink = (socket: Socket): ClientLink => ({ socket, exchanges: 0, idleSince: 0 })
