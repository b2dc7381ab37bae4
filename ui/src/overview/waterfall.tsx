import { formatDuration } from '../parts/format.ts'
import type { Part } from '../styles/palette.ts'
import type { Timing } from './timing-bar.tsx'
import classes from './waterfall.module.css'

/** Where the time of a request went, one part after the other. */
export function Waterfall({ timing }: { readonly timing: Timing }) {
  const { gateway, upstream, receive, duration } = timing
  const total = Math.max(duration, gateway + upstream + receive, 0.001)
  const parts: readonly { part: Part; title: string; start: number }[] = [
    { part: 'gateway', title: 'Gateway', start: 0 },
    { part: 'upstream', title: 'Waiting for the service', start: gateway },
    { part: 'receive', title: 'Receiving its answer', start: gateway + upstream },
  ]
  return (
    <section>
      <h3 className={classes.title}>Where the time went</h3>
      {parts.map(({ part, title, start }) => (
        <div key={part} className={classes.row}>
          <span className={classes.name}>{title}</span>
          <span className={classes.track}>
            <span
              className={classes.bar}
              style={{
                left: `${(start / total) * 100}%`,
                width: `max(2px, ${(timing[part] / total) * 100}%)`,
                background: `var(--timing-${part})`,
              }}
            />
          </span>
          <span className={classes.value}>{formatDuration(timing[part])}</span>
        </div>
      ))}
    </section>
  )
}
