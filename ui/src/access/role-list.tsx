import { Alert, Button, CloseButton, Skeleton, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { type EntityRecord, text } from '../api/entities.ts'
import { Panel } from '../layout/panel.tsx'
import { ErrorState } from '../notices/error-state.tsx'
import { WorkspaceAvatar } from '../shell/workspace-avatar.tsx'
import { changeRbac, rbacQuery } from './access-queries.ts'
import { PermissionForm } from './permission-form.tsx'
import classes from './role-list.module.css'

type RoleListProps = { readonly workspace: string; readonly isTitled: boolean }

/** The roles of a workspace with their permissions. */
export function RoleList({ workspace, isTitled }: RoleListProps) {
  const { data, error, refetch } = useQuery(rbacQuery(workspace, 'roles'))
  if (error !== null)
    return (
      <ErrorState error={error} what={`roles in ${workspace}`} onRetry={() => void refetch()} />
    )
  if (data === undefined) return <Skeleton height={200} mb="md" />
  const sorted = data.toSorted((a, b) => text(a, 'name').localeCompare(text(b, 'name')))
  return (
    <section className={classes.workspace} aria-label={`Roles in ${workspace}`}>
      <header className={classes.head}>
        {isTitled && (
          <h2>
            <WorkspaceAvatar name={workspace} /> {workspace}
          </h2>
        )}
        <NewRole workspace={workspace} />
      </header>
      <div className={classes.roles}>
        {sorted.map((role) => (
          <Role key={role.id} workspace={workspace} role={role} />
        ))}
      </div>
    </section>
  )
}

function NewRole({ workspace }: { readonly workspace: string }) {
  const [name, setName] = useState('')
  const client = useQueryClient()
  const creation = useMutation({
    mutationFn: () => changeRbac('POST', workspace, 'roles', { name }),
    onSuccess() {
      setName('')
      void client.invalidateQueries({ queryKey: ['access', workspace] })
    },
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    creation.mutate()
  }
  return (
    <form className={classes.newRole} onSubmit={submit}>
      <TextInput
        size="xs"
        aria-label={`Name of the new role in ${workspace}`}
        placeholder="Role name"
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <Button
        type="submit"
        size="xs"
        variant="default"
        disabled={name === ''}
        loading={creation.isPending}
      >
        New role
      </Button>
      {creation.isError && (
        <Alert color="red" variant="light" role="alert">
          {creation.error.message}
        </Alert>
      )}
    </form>
  )
}

type RoleProps = { readonly workspace: string; readonly role: EntityRecord }

function Role({ workspace, role }: RoleProps) {
  const endpoints = useQuery(rbacQuery(workspace, `roles/${role.id}/endpoints`))
  const entities = useQuery(rbacQuery(workspace, `roles/${role.id}/entities`))
  const [isAdding, setAdding] = useState(false)
  const permissions = [
    ...(endpoints.data ?? []).map(endpointPermission),
    ...(entities.data ?? []).map(entityPermission),
  ].toSorted((a, b) => a.target.localeCompare(b.target))
  return (
    <Panel title={text(role, 'name')} hint={text(role, 'comment')}>
      {endpoints.isSuccess && entities.isSuccess && permissions.length === 0 && (
        <p className={classes.empty}>No permissions yet.</p>
      )}
      <ul className={classes.permissions}>
        {permissions.map((permission) => (
          <PermissionRow
            key={permission.id}
            permission={permission}
            workspace={workspace}
            role={role.id}
          />
        ))}
      </ul>
      {isAdding ? (
        <PermissionForm workspace={workspace} role={role.id} onDone={() => setAdding(false)} />
      ) : (
        <Button
          mt={8}
          size="compact-xs"
          variant="default"
          aria-label={`Add permission to ${text(role, 'name')}`}
          onClick={() => setAdding(true)}
        >
          Add permission
        </Button>
      )}
    </Panel>
  )
}

type Permission = {
  readonly id: string
  readonly isNegative: boolean
  readonly actions: string
  readonly target: string
  readonly scope: string
  /** Under the path of the role. */
  readonly path: string
}

function endpointPermission(record: EntityRecord): Permission {
  const [endpoint, workspace] = [text(record, 'endpoint'), text(record, 'workspace')]
  return {
    id: record.id,
    isNegative: record['negative'] === true,
    actions: actionsLabel(record),
    target: endpoint === '*' ? 'any path' : endpoint,
    scope: workspace === '*' ? 'in every workspace' : `in ${workspace}`,
    path: `endpoints/${workspace}/${endpoint.replace(/^\/+/, '')}`,
  }
}

const entityPermission = (record: EntityRecord): Permission => ({
  id: record.id,
  isNegative: record['negative'] === true,
  actions: actionsLabel(record),
  target: text(record, 'entity_id') === '*' ? 'any entity' : text(record, 'entity_id'),
  scope: '',
  path: `entities/${record.id}`,
})

function actionsLabel(record: EntityRecord): string {
  const actions = (record['actions'] as readonly string[] | undefined) ?? []
  return actions.length === 4 ? 'all actions on' : `${actions.join(', ')} on`
}

type PermissionRowProps = {
  readonly permission: Permission
  readonly workspace: string
  readonly role: string
}

function PermissionRow({ permission, workspace, role }: PermissionRowProps) {
  const { isNegative, actions, target, scope, path } = permission
  const client = useQueryClient()
  const removal = useMutation({
    mutationFn: () => changeRbac('DELETE', workspace, `roles/${role}/${path}`),
    onSettled: () => client.invalidateQueries({ queryKey: ['access', workspace] }),
  })
  const effect = isNegative ? 'Deny' : 'Allow'
  return (
    <li data-negative={isNegative || undefined}>
      <span>
        <b>{effect}</b> {actions} <code>{target}</code>
        {scope !== '' && <i>{scope}</i>}
      </span>
      <CloseButton
        size="xs"
        aria-label={`Remove permission: ${effect} ${actions} ${target}`}
        disabled={removal.isPending}
        onClick={() => removal.mutate()}
      />
    </li>
  )
}
