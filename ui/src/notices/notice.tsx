import type { ReactNode } from 'react'
import classes from './notice.module.css'

type NoticeProps = {
  readonly icon: ReactNode
  readonly title: string
  readonly children?: ReactNode
  readonly action?: ReactNode
  readonly compact?: boolean
}

/** A message in place of content: an empty state, a denial or an error. */
export function Notice({ icon, title, children, action, compact = false }: NoticeProps) {
  return (
    <div className={classes.notice} data-compact={compact || undefined}>
      <span className={classes.icon} aria-hidden="true">
        {icon}
      </span>
      <p className={classes.title}>{title}</p>
      {children !== undefined && <div className={classes.text}>{children}</div>}
      {action !== undefined && <div className={classes.action}>{action}</div>}
    </div>
  )
}
