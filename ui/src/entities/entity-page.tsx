import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { entityQuery } from '../api/entities.ts'
import { Page } from '../layout/page.tsx'
import { ErrorState } from '../notices/error-state.tsx'
import { NotFound } from '../notices/not-found.tsx'
import { PageSkeleton } from '../notices/skeletons.tsx'
import { Configuration } from './configuration.tsx'
import { EntityHeader } from './entity-header.tsx'
import classes from './entity-page.module.css'
import { EntityTraffic } from './entity-traffic.tsx'
import { findKind, type Kind } from './kinds.ts'
import { Related } from './related.tsx'

/** One entity: its traffic, configuration and related entities. */
export function EntityPage() {
  const { plural = '', workspace = '', key = '' } = useParams({ strict: false })
  const kind = findKind(plural)
  if (kind === undefined) return <NotFound />
  return <Loaded key={key} kind={kind} workspace={workspace} id={key} />
}

type LoadedProps = { readonly kind: Kind; readonly workspace: string; readonly id: string }

function Loaded({ kind, workspace, id }: LoadedProps) {
  const { data, error, refetch } = useQuery(entityQuery(workspace, kind.plural, id))
  if (error !== null)
    return (
      <ErrorState
        error={error}
        what={`this ${kind.singular} in ${workspace}`}
        onRetry={() => void refetch()}
      />
    )
  if (data === undefined) return <PageSkeleton />
  return (
    <Page>
      {kind.traffic === undefined ? (
        <EntityHeader kind={kind} workspace={workspace} entity={data} about={kind.about} />
      ) : (
        <EntityTraffic kind={kind} workspace={workspace} entity={data} />
      )}
      <div className={classes.columns}>
        <Configuration kind={kind} workspace={workspace} entity={data} />
        <Related kind={kind} workspace={workspace} entity={data} />
      </div>
    </Page>
  )
}
