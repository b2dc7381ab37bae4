import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { entityQuery } from '../api/entities.ts'
import { NotFound } from '../parts/not-found.tsx'
import { Page } from '../parts/page.tsx'
import { PageLoading } from '../parts/page-loading.tsx'
import { Refusal } from '../parts/refusal.tsx'
import { Configuration } from './configuration.tsx'
import { EntityHead } from './entity-head.tsx'
import classes from './entity-page.module.css'
import { kindOf, type Kind } from './kinds.ts'
import { Related } from './related.tsx'
import { TrafficOf } from './traffic-of.tsx'

/** Everything about one entity: its traffic, its fields, and what belongs to it. */
export function EntityPage() {
  const { plural = '', workspace = '', key = '' } = useParams({ strict: false })
  const kind = kindOf(plural)
  if (kind === undefined) return <NotFound />
  return <Loaded key={key} kind={kind} workspace={workspace} id={key} />
}

type LoadedProps = { readonly kind: Kind; readonly workspace: string; readonly id: string }

function Loaded({ kind, workspace, id }: LoadedProps) {
  const { data, error, refetch } = useQuery(entityQuery(workspace, kind.plural, id))
  if (error !== null)
    return (
      <Refusal
        error={error}
        what={`this ${kind.singular} of ${workspace}`}
        onRetry={() => void refetch()}
      />
    )
  if (data === undefined) return <PageLoading />
  return (
    <Page>
      {kind.traffic === undefined ? (
        <EntityHead kind={kind} workspace={workspace} entity={data} about={kind.about} />
      ) : (
        <TrafficOf kind={kind} workspace={workspace} entity={data} />
      )}
      <div className={classes.columns}>
        <Configuration kind={kind} workspace={workspace} entity={data} />
        <Related kind={kind} workspace={workspace} entity={data} />
      </div>
    </Page>
  )
}
