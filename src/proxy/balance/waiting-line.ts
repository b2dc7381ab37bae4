import { Problem } from '../../lib/problem.ts'
import { clientClosed, type Exchange } from '../exchange.ts'
import type { Peer } from './peer.ts'

/** Exchanges that wait for any peer of a pool, first come, first served. It outlives the program that they came by. */
export class WaitingLine {
  readonly #waiting = new Set<(peer: Peer) => void>()

  get length(): number {
    return this.#waiting.size
  }

  /** Waits for a peer, at most so many milliseconds, and not after the client left. */
  join(exchange: Exchange, patience: number): Promise<Peer> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(timer)
        exchange.offClientGone(gone)
        this.#waiting.delete(enter)
      }
      const enter = (peer: Peer): void => {
        leave()
        resolve(peer)
      }
      const timer = setTimeout(() => {
        leave()
        reject(busyTargets())
      }, patience)
      this.#waiting.add(enter)
      const gone = (): void => {
        leave()
        reject(clientClosed())
      }
      exchange.onClientGone(gone)
    })
  }

  /** Gives a peer that has room to whoever waits longest. */
  serve(peer: Peer): void {
    const [first] = this.#waiting
    first?.(peer)
  }
}

/** All targets are as busy as they may be. */
export const busyTargets = (): Problem =>
  new Problem('upstream.busy', 503, 'the targets of the service are busy', {
    headers: { 'Retry-After': '1' },
  })
