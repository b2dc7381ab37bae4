import type { Clock } from '../../lib/clock.ts'
import type { TokenUses } from '../../store/token-uses.ts'

/** Time and address of the last use of tokens. */
export type TokenUseTracker = Pick<TokenUses, 'find'> & {
  /** Records a use; at most once a minute per token, to spare the store. */
  record(token: string, address: string): Promise<void>
}

const minute = 60_000

export function openTokenUseTracker(uses: TokenUses, clock: Clock): TokenUseTracker {
  const recordedAt = new Map<string, number>()
  return {
    find: (tokens) => uses.find(tokens),
    async record(token, address) {
      const time = clock.now()
      if (time - (recordedAt.get(token) ?? 0) < minute) return
      recordedAt.set(token, time)
      await uses.put(token, { time, address })
    },
  }
}
