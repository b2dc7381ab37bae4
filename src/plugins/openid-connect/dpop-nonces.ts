import { randomBytes } from 'node:crypto'
import type { Clock } from '../../lib/clock.ts'
import type { SharedValues } from '../../proxy/plugin.ts'

/** Nonces that all workers accept (RFC 9449 section 9). */
export type DpopNonces = {
  current(): Promise<string>
  isValid(nonce: unknown): Promise<boolean>
}

/** A nonce is valid for between `milliseconds` and twice as long. */
export function openDpopNonces(
  values: SharedValues,
  clock: Clock,
  milliseconds: number,
): DpopNonces {
  let known = new Map<number, string>()
  const windowNow = (): number => Math.floor(clock.now() / milliseconds)
  const nonceOf = async (window: number): Promise<string | undefined> => {
    const found = known.get(window) ?? (await values.get(`dpop-nonce:${milliseconds}:${window}`))
    if (found === undefined) return undefined
    known = new Map([...known].filter(([one]) => one >= window - 1)).set(window, found)
    return found
  }
  const current = async (): Promise<string> => {
    const window = windowNow()
    const found = await nonceOf(window)
    if (found !== undefined) return found
    const fresh = randomBytes(24).toString('base64url')
    await values.add(`dpop-nonce:${milliseconds}:${window}`, fresh, 3 * milliseconds)
    return (await nonceOf(window)) ?? fresh
  }
  return {
    current,
    async isValid(nonce) {
      if (typeof nonce !== 'string') return false
      return nonce === (await current()) || nonce === (await nonceOf(windowNow() - 1))
    },
  }
}
