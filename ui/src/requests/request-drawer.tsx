import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { answerQuery } from '../api/analytics.ts'
import { SideDrawer } from '../layout/side-drawer.tsx'
import { ErrorState } from '../notices/error-state.tsx'
import type { PageView } from '../view/use-page-view.ts'
import { detailQuery } from './detail-query.ts'
import { RequestDetail } from './request-detail.tsx'
import classes from './request-drawer.module.css'

/** The details of the request in the page's address. */
export function RequestDrawer({ view }: { readonly view: PageView }) {
  const { request } = view
  return (
    <SideDrawer
      isOpen={request !== undefined}
      onClose={() => view.change({ request: undefined })}
      title="Request"
      what="the request"
      width={520}
    >
      {request !== undefined && <LoadedRequest id={request} view={view} />}
    </SideDrawer>
  )
}

function LoadedRequest({ id, view }: { readonly id: string; readonly view: PageView }) {
  const { data, error, refetch } = useQuery({
    ...answerQuery(detailQuery(id)),
    staleTime: Infinity,
  })
  if (error !== null)
    return <ErrorState error={error} what="this request" onRetry={() => void refetch()} />
  if (data === undefined)
    return [180, 90, 140, 120].map((height) => <Skeleton key={height} height={height} mb="md" />)
  const row = data.data[0]
  if (row === undefined)
    return (
      <p className={classes.none}>
        Request not found, or you may not see it. {data.visibility.statement}
      </p>
    )
  return <RequestDetail row={row} view={view} />
}
