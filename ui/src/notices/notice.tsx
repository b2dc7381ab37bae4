import type { ReactNode } from 'react'
import classes from './notice.module.css'

/** What a Notice says. */
type NoticeProps = {
  readonly icon: ReactNode
  readonly title: string
  readonly children?: ReactNode
  /** What can be done about it. */
  readonly action?: ReactNode
  readonly compact?: boolean
}

/** A calm block of words in the place of what cannot be shown: why, and what to do. */
export function Notice({ icon, title, children, action, compact = false }: NoticeProps) {
  return (
    <div className={classes.notice} data-compact={compact || undefined}>
      <span className={classes.icon} aria-hidden="true">
        {icon}
      </span>
      <p className={classes.title}>{title}</p>
      {children !== undefined && <div className={classes.words}>{children}</div>}
      {action !== undefined && <div className={classes.action}>{action}</div>}
    </div>
  )
}
