import { Button, Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useSession } from '../api/session.ts'
import { Chips } from '../entities/chips.tsx'
import { Panel } from '../layout/panel.tsx'
import { ErrorState } from '../notices/error-state.tsx'
import { OwnershipForm } from './ownership-form.tsx'
import { ownershipQuery, type Ownership } from './workspace-queries.ts'
import classes from './workspace-list.module.css'

/** The hosts and paths that each workspace owns. */
export function WorkspaceList({ workspaces }: { readonly workspaces: readonly string[] }) {
  const session = useSession()
  const isSuperAdmin = session.workspaces.some(
    ({ name, roles }) => name === 'default' && roles.includes('super-admin'),
  )
  return (
    <>
      <p className={classes.about}>
        Requests to a host or path that a workspace owns match only its routes, whatever routes
        other workspaces have. A host decides before a path, and of several that match the most
        specific. What nobody owns is open to the routes of every workspace.
        {!isSuperAdmin && ' Only a super-admin can change what a workspace owns.'}
      </p>
      <div className={classes.list}>
        {workspaces.map((name) => (
          <OwnershipPanel key={name} workspace={name} isEditable={isSuperAdmin} />
        ))}
      </div>
    </>
  )
}

type OwnershipPanelProps = { readonly workspace: string; readonly isEditable: boolean }

function OwnershipPanel({ workspace, isEditable }: OwnershipPanelProps) {
  const { data, error, refetch } = useQuery(ownershipQuery(workspace))
  const [isEditing, setEditing] = useState(false)
  const edit = (
    <Button
      size="compact-xs"
      variant="default"
      aria-label={`Edit hosts and paths of ${workspace}`}
      onClick={() => setEditing(true)}
    >
      Edit
    </Button>
  )
  return (
    <Panel title={workspace} aside={isEditable && data && !isEditing ? edit : undefined}>
      {error !== null && (
        <ErrorState error={error} what={workspace} onRetry={() => void refetch()} />
      )}
      {data === undefined && error === null && <Skeleton height={64} />}
      {data !== undefined && isEditing && (
        <OwnershipForm workspace={workspace} owned={data} onDone={() => setEditing(false)} />
      )}
      {data !== undefined && !isEditing && <Owned owned={data} />}
    </Panel>
  )
}

function Owned({
  owned: { owned_hosts: hosts, owned_paths: paths },
}: {
  readonly owned: Ownership
}) {
  return (
    <dl className={classes.owned}>
      <dt>Hosts</dt>
      <dd>{hosts.length > 0 ? <Chips mono values={hosts} /> : <i>None</i>}</dd>
      <dt>Paths</dt>
      <dd>{paths.length > 0 ? <Chips mono values={paths} /> : <i>None</i>}</dd>
    </dl>
  )
}
