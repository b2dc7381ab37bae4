import { Skeleton, Stack } from '@mantine/core'

/** The shape of a page that is on its way. */
export function PageLoading() {
  return (
    <Stack gap="md" p="lg" aria-busy="true" aria-label="Loading">
      <Skeleton height={30} width={240} />
      <Skeleton height={90} />
      <Skeleton height={260} />
    </Stack>
  )
}
