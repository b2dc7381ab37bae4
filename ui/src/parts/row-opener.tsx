import { UnstyledButton } from '@mantine/core'
import type { ReactNode } from 'react'
import classes from './row-opener.module.css'

/** What a RowOpener says. */
type RowOpenerProps = {
  readonly onOpen: () => void
  readonly look?: 'plain' | 'strong' | 'dim'
  readonly children: ReactNode
}

/** The words of a row of a RowTable that open it; a click anywhere on the row does too. */
export function RowOpener({ onOpen, look = 'plain', children }: RowOpenerProps) {
  return (
    <UnstyledButton
      className={classes.opener}
      data-strong={look === 'strong' || undefined}
      data-dim={look === 'dim' || undefined}
      onClick={onOpen}
    >
      {children}
    </UnstyledButton>
  )
}
