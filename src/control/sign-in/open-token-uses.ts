import type { Clock } from '../../lib/clock.ts'
import type { TokenUses } from '../../store/token-uses.ts'

/** Notes when tokens are used. */
export type TokenNotes = Pick<TokenUses, 'find'> & {
  /** Keeps that a token was used now, at most once a minute. */
  note(token: string, address: string): Promise<void>
}

const minute = 60_000

/** Opens the notes on the rows they rest in. */
export function openTokenNotes(uses: TokenUses, clock: Clock): TokenNotes {
  const noted = new Map<string, number>()
  return {
    find: (tokens) => uses.find(tokens),
    async note(token, address) {
      const time = clock.now()
      if (time - (noted.get(token) ?? 0) < minute) return
      noted.set(token, time)
      await uses.put(token, { time, address })
    },
  }
}
