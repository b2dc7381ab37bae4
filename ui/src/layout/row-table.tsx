import { UnstyledButton } from '@mantine/core'
import type { CSSProperties, ReactNode } from 'react'
import classes from './row-table.module.css'

type RowTableProps = {
  /** Column widths as a CSS grid template. */
  readonly widths: string
  /** Minimum width in pixels; below it the table scrolls horizontally. */
  readonly minWidth: number
  readonly className?: string | undefined
  /** Its `thead` and `tbody`. */
  readonly children: ReactNode
}

/** A framed table with rows of equal height and truncated cells. */
export function RowTable({ widths, minWidth, className = '', children }: RowTableProps) {
  const style = { '--columns': widths, '--min-width': `${minWidth}px` } as CSSProperties
  return (
    <div className={classes.scroll}>
      <table className={`${classes.table} ${className}`} style={style}>
        {children}
      </table>
    </div>
  )
}

type RowButtonProps = {
  readonly onOpen: () => void
  readonly look?: 'plain' | 'strong' | 'dim'
  readonly children: ReactNode
}

/** Opens the row it stands in; the whole row is clickable. */
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
