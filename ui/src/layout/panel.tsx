import type { ReactNode } from 'react'
import classes from './panel.module.css'

type PanelProps = {
  readonly title: string
  /** Secondary text beside the title. */
  readonly hint?: string
  readonly aside?: ReactNode
  readonly children: ReactNode
  /** Dims the content while newer data loads. */
  readonly stale?: boolean
  readonly flush?: boolean
}

/** A titled section of a page. */
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
