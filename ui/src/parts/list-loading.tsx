import { Skeleton } from '@mantine/core'
import classes from './list-loading.module.css'

/** The shape of a list that is on its way. */
export function ListLoading() {
  return (
    <div className={classes.loading} aria-busy="true" aria-label="Loading">
      {Array.from({ length: 8 }, (_, row) => (
        <Skeleton key={row} height={18} />
      ))}
    </div>
  )
}
