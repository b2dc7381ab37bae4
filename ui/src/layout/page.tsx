import type { ReactNode } from 'react'
import classes from './page.module.css'

type PageProps = {
  readonly children: ReactNode
  /** Limits the width, for pages of text. */
  readonly narrow?: boolean
}

/** The content area beside the navigation. */
export function Page({ children, narrow = false }: PageProps) {
  return (
    <div className={classes.page} data-narrow={narrow || undefined}>
      {children}
    </div>
  )
}

type PageHeaderProps = {
  readonly title: ReactNode
  readonly about?: ReactNode
  /** Above the title, for example a breadcrumb. */
  readonly before?: ReactNode
  readonly children?: ReactNode
}

/** The title, description and controls of a page. */
export function PageHeader({ title, about, before, children }: PageHeaderProps) {
  return (
    <div className={classes.head}>
      <div className={classes.text}>
        {before}
        <h1 className={classes.title}>{title}</h1>
        {about !== undefined && <p className={classes.about}>{about}</p>}
      </div>
      <div className={classes.controls}>{children}</div>
    </div>
  )
}
