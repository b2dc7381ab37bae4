/** An address that requests can go to. */
export type TargetAddress = {
  readonly host: string
  readonly port: number
  readonly weight: number
}

/** Picks a target for a try. */
export type Balancer = {
  /** The next target, not one of `tried` while there is another; undefined when there is none with weight. */
  pick(tried: readonly TargetAddress[]): TargetAddress | undefined
}

/** Smooth weighted round-robin, as in nginx: every target gets its share, and the shares are interleaved rather than in runs. */
export function openRoundRobin(targets: readonly TargetAddress[]): Balancer {
  const candidates = targets
    .filter((target) => target.weight > 0)
    .map((target) => ({ target, current: 0 }))
  return {
    pick(tried) {
      const fresh =
        tried.length === 0 ? candidates : candidates.filter(({ target }) => !tried.includes(target))
      const among = fresh.length > 0 ? fresh : candidates
      let best: (typeof candidates)[number] | undefined
      let total = 0
      for (const candidate of among) {
        candidate.current += candidate.target.weight
        total += candidate.target.weight
        if (best === undefined || candidate.current > best.current) best = candidate
      }
      if (best !== undefined) best.current -= total
      return best?.target
    },
  }
}
