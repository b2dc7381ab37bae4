import { Button, CloseButton, Skeleton } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { text, type EntityRecord } from '../api/entities.ts'
import { Panel } from '../parts/panel.tsx'
import { Refusal } from '../parts/refusal.tsx'
import { changeRbac, rbacQuery } from './access-queries.ts'
import { PermissionForm } from './permission-form.tsx'
import { RoleForm } from './role-form.tsx'
import classes from './role-list.module.css'

/** The roles of a workspace and what each says. */
export function RoleList({ workspace }: { readonly workspace: string }) {
  const { data, error, refetch } = useQuery(rbacQuery(workspace, 'roles'))
  if (error !== null)
    return <Refusal error={error} what={`roles of ${workspace}`} onRetry={() => void refetch()} />
  if (data === undefined) return <Skeleton height={200} />
  const inOrder = data.toSorted((a, b) => text(a, 'name').localeCompare(text(b, 'name')))
  return (
    <>
      <RoleForm workspace={workspace} />
      <div className={classes.roles}>
        {inOrder.map((role) => (
          <Role key={role.id} workspace={workspace} role={role} />
        ))}
      </div>
    </>
  )
}

type RoleProps = { readonly workspace: string; readonly role: EntityRecord }

function Role({ workspace, role }: RoleProps) {
  const endpoints = useQuery(rbacQuery(workspace, `roles/${role.id}/endpoints`))
  const entities = useQuery(rbacQuery(workspace, `roles/${role.id}/entities`))
  const [isAdding, setAdding] = useState(false)
  const says = [
    ...(endpoints.data ?? []).map((one) => sentence(one, text(one, 'endpoint'), placeOf(one))),
    ...(entities.data ?? []).map((one) => sentence(one, text(one, 'entity_id'), '')),
  ].toSorted((a, b) => a.about.localeCompare(b.about))
  return (
    <Panel
      title={text(role, 'name')}
      hint={text(role, 'comment')}
      aside={
        <Button
          size="compact-xs"
          variant="default"
          aria-label={`Add to ${text(role, 'name')}`}
          onClick={() => setAdding(true)}
        >
          Add
        </Button>
      }
    >
      {endpoints.isSuccess && entities.isSuccess && says.length === 0 && (
        <p className={classes.none}>This role says nothing yet.</p>
      )}
      <ul className={classes.says}>
        {says.map((one) => (
          <Sentence key={one.id} told={one} workspace={workspace} role={role.id} />
        ))}
      </ul>
      {isAdding && (
        <PermissionForm workspace={workspace} role={role.id} onDone={() => setAdding(false)} />
      )}
    </Panel>
  )
}

type SentenceProps = {
  readonly told: ReturnType<typeof sentence>
  readonly workspace: string
  readonly role: string
}

/** One permission in words, and the way to take it back. */
function Sentence({ told, workspace, role }: SentenceProps) {
  const { id, verb, isNegative, actions, about, where, path } = told
  const client = useQueryClient()
  const taking = useMutation({
    mutationFn: () =>
      changeRbac('DELETE', [workspace, `roles/${role}/${path ?? `entities/${id}`}`]),
    onSettled: () => client.invalidateQueries({ queryKey: ['access', workspace] }),
  })
  return (
    <li data-negative={isNegative || undefined}>
      <span>
        <b>{verb}</b> {actions} <code>{about}</code>
        {where !== '' && <i>{where}</i>}
      </span>
      <CloseButton
        size="xs"
        aria-label={`Take back: ${verb} ${actions} ${about}`}
        disabled={taking.isPending}
        onClick={() => taking.mutate()}
      />
    </li>
  )
}

const placeOf = (permission: EntityRecord): string => {
  const place = text(permission, 'workspace')
  return place === '*' ? 'in every workspace' : `in ${place}`
}

function sentence(permission: EntityRecord, about: string, where: string) {
  const isNegative = permission['negative'] === true
  const actions = (permission['actions'] as readonly string[] | undefined) ?? []
  return {
    id: permission.id,
    isNegative,
    verb: isNegative ? 'forbids' : 'allows',
    actions: actions.length === 4 ? 'everything at' : `${actions.join(', ')} at`,
    about: about === '*' ? 'any path' : about,
    where,
    /** Endpoint permissions are addressed by workspace and endpoint. */
    path:
      where === ''
        ? undefined
        : `endpoints/${text(permission, 'workspace')}/${endpointPath(about)}`,
  }
}

const endpointPath = (endpoint: string): string => endpoint.replace(/^\/+/, '')
