import type { EntityRecord } from '../api/entities.ts'
import classes from './enabled-badge.module.css'

/** Whether an entity is enabled; nothing for kinds that cannot be disabled. */
export function EnabledBadge({ entity }: { readonly entity: EntityRecord }) {
  const { enabled } = entity
  if (typeof enabled !== 'boolean') return null
  return (
    <span className={classes.badge} data-enabled={enabled || undefined}>
      {enabled ? 'Enabled' : 'Disabled'}
    </span>
  )
}
