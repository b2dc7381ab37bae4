import type { ReactNode } from 'react'
import classes from './page-head.module.css'

/** What a PageHead shows. */
type PageHeadProps = {
  readonly title: ReactNode
  readonly about?: ReactNode
  /** What stands before the title, for example where the page belongs. */
  readonly before?: ReactNode
  readonly children?: ReactNode
}

/** The first line of a page: what it is, and its controls. */
export function PageHead({ title, about, before, children }: PageHeadProps) {
  return (
    <div className={classes.head}>
      <div className={classes.words}>
        {before}
        <h1 className={classes.title}>{title}</h1>
        {about !== undefined && <p className={classes.about}>{about}</p>}
      </div>
      <div className={classes.controls}>{children}</div>
    </div>
  )
}
