import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { keepScope } from '../view/search.ts'
import classes from './entity-link.module.css'
import type { Kind } from './kinds.ts'

type EntityLinkProps = {
  readonly plural: Kind['plural']
  readonly workspace: string
  readonly id: string
  readonly strong?: boolean
  readonly children: ReactNode
}

/** A link to the page of an entity. */
export function EntityLink({ plural, workspace, id, strong = false, children }: EntityLinkProps) {
  return (
    <Link
      to="/$plural/$workspace/$key"
      params={{ plural, workspace, key: id }}
      search={keepScope}
      className={classes.link}
      data-strong={strong || undefined}
    >
      {children}
    </Link>
  )
}
