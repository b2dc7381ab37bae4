import { Skeleton, Stack } from '@mantine/core'
import classes from './skeletons.module.css'

/** Placeholder of a loading page. */
export function PageSkeleton() {
  return (
    <Stack gap="md" p="lg" aria-busy="true" aria-label="Loading">
      <Skeleton height={30} width={240} />
      <Skeleton height={90} />
      <Skeleton height={260} />
    </Stack>
  )
}

/** Placeholder of a loading list. */
export function ListSkeleton() {
  return (
    <div className={classes.loading} aria-busy="true" aria-label="Loading">
      {Array.from({ length: 8 }, (_, row) => (
        <Skeleton key={row} height={18} />
      ))}
    </div>
  )
}
