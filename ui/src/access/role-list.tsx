import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { text, type EntityRecord } from '../api/entities.ts'
import { Panel } from '../parts/panel.tsx'
import { Refusal } from '../parts/refusal.tsx'
import { rbacQuery } from './access-queries.ts'
import classes from './role-list.module.css'

/** The roles of a workspace and what each says. */
export function RoleList({ workspace }: { readonly workspace: string }) {
  const { data, error, refetch } = useQuery(rbacQuery(workspace, 'roles'))
  if (error !== null)
    return <Refusal error={error} what={`roles of ${workspace}`} onRetry={() => void refetch()} />
  if (data === undefined) return <Skeleton height={200} />
  const inOrder = data.toSorted((a, b) => text(a, 'name').localeCompare(text(b, 'name')))
  return (
    <div className={classes.roles}>
      {inOrder.map((role) => (
        <Role key={role.id} workspace={workspace} role={role} />
      ))}
    </div>
  )
}

type RoleProps = { readonly workspace: string; readonly role: EntityRecord }

function Role({ workspace, role }: RoleProps) {
  const endpoints = useQuery(rbacQuery(workspace, `roles/${role.id}/endpoints`))
  const entities = useQuery(rbacQuery(workspace, `roles/${role.id}/entities`))
  const says = [
    ...(endpoints.data ?? []).map((one) => sentence(one, text(one, 'endpoint'), placeOf(one))),
    ...(entities.data ?? []).map((one) => sentence(one, text(one, 'entity_id'), '')),
  ]
  says.sort((a, b) => a.about.localeCompare(b.about))
  return (
    <Panel title={text(role, 'name')} hint={text(role, 'comment')}>
      {endpoints.isSuccess && entities.isSuccess && says.length === 0 && (
        <p className={classes.none}>This role says nothing yet.</p>
      )}
      <ul className={classes.says}>
        {says.map(({ id, verb, isNegative, actions, about, where }) => (
          <li key={id} data-negative={isNegative || undefined}>
            <b>{verb}</b> {actions} <code>{about}</code>
            {where !== '' && <span>{where}</span>}
          </li>
        ))}
      </ul>
    </Panel>
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
  }
}
