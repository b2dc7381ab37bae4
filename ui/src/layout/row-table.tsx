import { UnstyledButton } from '@mantine/core'
import type { CSSProperties, ReactNode } from 'react'
import classes from './row-table.module.css'

/** What a RowTable holds. */
type RowTableProps = {
  /** Widths of the columns, as CSS says them in a grid. */
  readonly widths: string
  /** Below so many pixels it scrolls sideways instead of growing narrower. */
  readonly narrowest: number
  readonly className?: string | undefined
  /** Its `thead` and `tbody`. */
  readonly children: ReactNode
}

/** A framed table whose rows have one height and whose cells are cut where they end. */
export function RowTable({ widths, narrowest, className = '', children }: RowTableProps) {
  const style = { '--columns': widths, '--narrowest': `${narrowest}px` } as CSSProperties
  return (
    <div className={classes.scroll}>
      <table className={`${classes.table} ${className}`} style={style}>
        {children}
      </table>
    </div>
  )
}

/** What a RowButton says. */
type RowButtonProps = {
  readonly onOpen: () => void
  readonly look?: 'plain' | 'strong' | 'dim'
  readonly children: ReactNode
}

/** The words of a row of a RowTable that open it; a click anywhere on the row does too. */
export function RowButton({ onOpen, look = 'plain', children }: RowButtonProps) {
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
