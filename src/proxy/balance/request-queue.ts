import { Problem } from '../../lib/problem.ts'
import { clientClosed, type Exchange } from '../exchange.ts'
import type { Target } from './target.ts'

/** First-in, first-out queue of exchanges that wait for a target with free capacity. It outlives the program. */
export class RequestQueue {
  readonly #waiting = new Set<(target: Target) => void>()

  get length(): number {
    return this.#waiting.size
  }

  /** Rejects after `milliseconds`, and when the client leaves. */
  wait(exchange: Exchange, milliseconds: number): Promise<Target> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(timer)
        exchange.offClientGone(gone)
        this.#waiting.delete(enter)
      }
      const enter = (target: Target): void => {
        leave()
        resolve(target)
      }
      const timer = setTimeout(() => {
        leave()
        reject(targetsBusy())
      }, milliseconds)
      this.#waiting.add(enter)
      const gone = (): void => {
        leave()
        reject(clientClosed())
      }
      exchange.onClientGone(gone)
    })
  }

  /** Resolves the first waiting exchange with `target`. */
  serve(target: Target): void {
    const [first] = this.#waiting
    first?.(target)
  }
}

/** Every target is at its limit of exchanges in flight. */
export const targetsBusy = (): Problem =>
  new Problem('upstream.busy', 503, 'all targets of the service are busy', {
    headers: { 'Retry-After': '1' },
  })
