import type { ReactNode } from 'react'
import classes from './panel.module.css'

/** What a Panel holds. */
type PanelProps = {
  readonly title: string
  /** One sentence that says what is counted, shown beside the title. */
  readonly hint?: string
  readonly aside?: ReactNode
  readonly children: ReactNode
  /** Dims what answers an older question. */
  readonly stale?: boolean
  readonly flush?: boolean
}

/** A titled box on a page. */
export function Panel({ title, hint, aside, children, stale, flush }: PanelProps) {
  return (
    <section className={classes.panel} aria-label={title}>
      <header className={classes.head}>
        <h2 className={classes.title}>
          {title}
          {hint !== undefined && <span className={classes.hint}>{hint}</span>}
        </h2>
        {aside}
      </header>
      <div
        className={classes.content}
        data-flush={flush || undefined}
        data-stale={stale || undefined}
      >
        {children}
      </div>
    </section>
  )
}
