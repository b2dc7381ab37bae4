import type { EntityRecord } from '../api/entities.ts'
import classes from './state.module.css'

/** Whether an entity is enabled; nothing for what always is. */
export function State({ entity }: { readonly entity: EntityRecord }) {
  const { enabled } = entity
  if (typeof enabled !== 'boolean') return null
  return (
    <span className={classes.state} data-enabled={enabled || undefined}>
      {enabled ? 'Enabled' : 'Disabled'}
    </span>
  )
}
