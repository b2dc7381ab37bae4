import classes from './timing-bar.module.css'

/** The parts of a request's time, in milliseconds. */
export type Timing = {
  readonly duration: number
  readonly gateway: number
  readonly upstream: number
  readonly receive: number
}

/** A tiny bar whose length is the duration beside the slowest shown (as square roots, so that fast ones are still seen), cut into its parts. */
export function TimingBar({
  timing,
  slowest,
}: {
  readonly timing: Timing
  readonly slowest: number
}) {
  const { duration, gateway, upstream, receive } = timing
  const width = slowest > 0 ? Math.sqrt(duration / slowest) * 100 : 0
  return (
    <span className={classes.track} aria-hidden="true">
      <span className={classes.bar} style={{ width: `${Math.max(width, 3)}%` }}>
        <span style={{ flexGrow: gateway, background: 'var(--timing-gateway)' }} />
        <span style={{ flexGrow: upstream, background: 'var(--timing-upstream)' }} />
        <span style={{ flexGrow: receive, background: 'var(--timing-receive)' }} />
      </span>
    </span>
  )
}
