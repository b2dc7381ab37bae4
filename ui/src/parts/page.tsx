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
