import type { ReactNode } from 'react'
import classes from './page.module.css'

/** What a Page holds. */
type PageProps = {
  readonly children: ReactNode
  /** For pages that are read more than scanned. */
  readonly narrow?: boolean
}

/** The place of a page beside the navigation: its width, its margins, and its parts below each other. */
export function Page({ children, narrow = false }: PageProps) {
  return (
    <div className={classes.page} data-narrow={narrow || undefined}>
      {children}
    </div>
  )
}

/** What a PageHeader shows. */
type PageHeaderProps = {
  readonly title: ReactNode
  readonly about?: ReactNode
  /** What stands before the title, for example where the page belongs. */
  readonly before?: ReactNode
  readonly children?: ReactNode
}

/** The first line of a page: what it is, and its controls. */
export function PageHeader({ title, about, before, children }: PageHeaderProps) {
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
