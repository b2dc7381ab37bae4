import { hash } from 'node:crypto'
import type { Clock } from '../../lib/clock.ts'

/** Values by secrets, of which only hashes are kept. */
export type TokenMemory<Value> = {
  /** The value of a secret, until it expires. */
  get(secret: string): Value | undefined
  keep(secret: string, made: Made<Value>): void
  forget(secret: string): void
  /** Makes the value of a secret that has none; concurrent callers get the same. Rejections are not cached. */
  obtain(secret: string, make: () => Promise<Made<Value>>): Promise<Value>
}

/** A value and when it expires, in milliseconds since the epoch. */
export type Made<Value> = { readonly value: Value; readonly expiresAt: number }

/** When the memory is full, the oldest tenth is forgotten. */
export function openTokenMemory<Value>(clock: Clock, limit = 10_000): TokenMemory<Value> {
  const known = new Map<string, Made<Value>>()
  const pending = new Map<string, Promise<Value>>()
  const makeRoom = (): void => {
    if (known.size < limit) return
    let excess = Math.ceil(limit / 10)
    for (const key of known.keys()) {
      known.delete(key)
      if ((excess -= 1) === 0) return
    }
  }
  const keep = (key: string, made: Made<Value>): void => {
    known.delete(key)
    if (made.expiresAt <= clock.now()) return
    makeRoom()
    known.set(key, made)
  }
  return {
    get(secret) {
      const found = known.get(hash('sha256', secret, 'base64'))
      return found !== undefined && found.expiresAt > clock.now() ? found.value : undefined
    },
    forget: (secret) => void known.delete(hash('sha256', secret, 'base64')),
    keep: (secret, made) => keep(hash('sha256', secret, 'base64'), made),
    obtain(secret, make) {
      const key = hash('sha256', secret, 'base64')
      const running = pending.get(key)
      if (running !== undefined) return running
      const promise = make()
        .then((made) => {
          keep(key, made)
          return made.value
        })
        .finally(() => pending.delete(key))
      pending.set(key, promise)
      return promise
    },
  }
}
