import { toStatusClass } from '../styles/palette.ts'
import classes from './status-badge.module.css'

/** A status code in the color of its class. */
export function StatusBadge({ status }: { readonly status: number }) {
  const name = toStatusClass(status)
  return (
    <span
      className={classes.badge}
      style={{ color: `var(--status-${name}-text)`, background: `var(--status-${name}-soft)` }}
    >
      {status || 'none'}
    </span>
  )
}
