import type { ReactNode } from 'react'
import classes from './banner.module.css'

type BannerProps = {
  readonly tone: 'warning' | 'info'
  readonly icon: ReactNode
  readonly children: ReactNode
  readonly action?: ReactNode
}

/** A message across the page. */
export function Banner({ tone, icon, children, action }: BannerProps) {
  return (
    <div className={classes.banner} data-tone={tone} role={tone === 'warning' ? 'alert' : 'note'}>
      <span className={classes.icon} aria-hidden="true">
        {icon}
      </span>
      <span className={classes.text}>{children}</span>
      {action}
    </div>
  )
}
