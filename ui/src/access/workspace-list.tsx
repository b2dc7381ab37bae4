import { Button, Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useSession } from '../api/session.ts'
import { Chips } from '../entities/chips.tsx'
import { Panel } from '../layout/panel.tsx'
import { ErrorState } from '../notices/error-state.tsx'
import { WorkspaceForm } from './workspace-form.tsx'
import { workspaceQuery, type WorkspaceSettings } from './workspace-queries.ts'
import classes from './workspace-list.module.css'

/** The hosts and paths that each workspace owns, and how long its requests are kept. */
export function WorkspaceList({ workspaces }: { readonly workspaces: readonly string[] }) {
  const session = useSession()
  const isSuperAdmin = session.workspaces.some(
    ({ name, roles }) => name === 'default' && roles.includes('super-admin'),
  )
  return (
    <>
      <p className={classes.about}>
        Requests to a host or path that a workspace owns match only its routes. Hosts take
        precedence over paths, and specific patterns over general ones. Hosts and paths without an
        owner are open to every workspace.
        {!isSuperAdmin && ' Only a super-admin can change what a workspace owns.'}
      </p>
      <div className={classes.list}>
        {workspaces.map((name) => (
          <WorkspacePanel key={name} workspace={name} isEditable={isSuperAdmin} />
        ))}
      </div>
    </>
  )
}

type WorkspacePanelProps = { readonly workspace: string; readonly isEditable: boolean }

function WorkspacePanel({ workspace, isEditable }: WorkspacePanelProps) {
  const { data, error, refetch } = useQuery(workspaceQuery(workspace))
  const [isEditing, setEditing] = useState(false)
  const edit = (
    <Button
      size="compact-xs"
      variant="default"
      aria-label={`Edit the settings of ${workspace}`}
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
        <WorkspaceForm workspace={workspace} settings={data} onDone={() => setEditing(false)} />
      )}
      {data !== undefined && !isEditing && <Settings settings={data} />}
    </Panel>
  )
}

function Settings({
  settings: { owned_hosts: hosts, owned_paths: paths, retention_days: days },
}: {
  readonly settings: WorkspaceSettings
}) {
  return (
    <dl className={classes.settings}>
      <dt>Hosts</dt>
      <dd>{hosts.length > 0 ? <Chips mono values={hosts} /> : <i>None</i>}</dd>
      <dt>Paths</dt>
      <dd>{paths.length > 0 ? <Chips mono values={paths} /> : <i>None</i>}</dd>
      <dt>Retention</dt>
      <dd>{days === undefined ? <i>Default</i> : days === 1 ? '1 day' : `${days} days`}</dd>
    </dl>
  )
}
