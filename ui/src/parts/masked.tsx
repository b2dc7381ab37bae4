import { Tooltip, VisuallyHidden } from '@mantine/core'
import { IconLock } from '@tabler/icons-react'
import classes from './masked.module.css'

/** Stands in the place of a value that is there but not for the viewer. */
export function Masked({ reason }: { readonly reason: string }) {
  return (
    <Tooltip label={reason}>
      <span className={classes.masked}>
        <IconLock size={12} stroke={2} aria-hidden="true" />
        <VisuallyHidden>Masked: {reason}</VisuallyHidden>
      </span>
    </Tooltip>
  )
}
