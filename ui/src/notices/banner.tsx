import type { ReactNode } from 'react'
import classes from './banner.module.css'

/** What a Banner says. */
type BannerProps = {
  /** A refusal asks for attention; a note only tells. */
  readonly mood: 'refusal' | 'note'
  readonly icon: ReactNode
  readonly children: ReactNode
  readonly action?: ReactNode
}

/** One sentence across the page, above what it is about. */
export function Banner({ mood, icon, children, action }: BannerProps) {
  return (
    <div className={classes.banner} data-mood={mood} role={mood === 'refusal' ? 'alert' : 'note'}>
      <span className={classes.icon} aria-hidden="true">
        {icon}
      </span>
      <span className={classes.words}>{children}</span>
      {action}
    </div>
  )
}
