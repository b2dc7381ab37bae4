import { Alert, Button, Select } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { text } from '../api/entities.ts'
import { changeRbac, rbacQuery, rolesOfQuery } from './access-queries.ts'
import classes from './owned-list.module.css'

/** What GivenRoles is about. */
type GivenRolesProps = { readonly workspace: string; readonly user: string }

/** The roles of a principal in a workspace, to be given and taken. */
export function GivenRoles({ workspace, user }: GivenRolesProps) {
  const held = useQuery(rolesOfQuery(workspace, user))
  const all = useQuery(rbacQuery(workspace, 'roles'))
  const [role, setRole] = useState<string | null>(null)
  const client = useQueryClient()
  const change = useMutation({
    mutationFn: ({ method, name }: { method: 'POST' | 'DELETE'; name: string }) =>
      changeRbac(method, [workspace, `users/${user}/roles`], { roles: name }),
    onSuccess() {
      setRole(null)
      void client.invalidateQueries({ queryKey: ['access'] })
    },
  })
  const names = held.data?.map((one) => text(one, 'name')) ?? []
  const others = (all.data ?? [])
    .map((one) => text(one, 'name'))
    .filter((name) => !names.includes(name))
  return (
    <section>
      <h3 className={classes.title}>Roles in {workspace}</h3>
      {change.isError && (
        <Alert color="red" variant="light" role="alert" mb="sm">
          {change.error.message}
        </Alert>
      )}
      <HeldList names={names} onTake={(name) => change.mutate({ method: 'DELETE', name })} />
      <div className={classes.add}>
        <Select
          size="xs"
          aria-label="Role to give"
          placeholder="Role to give"
          data={others}
          value={role}
          onChange={setRole}
        />
        <Button
          size="xs"
          variant="default"
          disabled={role === null}
          loading={change.isPending}
          onClick={() => role !== null && change.mutate({ method: 'POST', name: role })}
        >
          Give
        </Button>
      </div>
    </section>
  )
}

type HeldListProps = {
  readonly names: readonly string[]
  readonly onTake: (name: string) => void
}

function HeldList({ names, onTake }: HeldListProps) {
  return (
    <ul className={classes.list}>
      {names.length === 0 && <li>No role was given here.</li>}
      {names.map((name) => (
        <li key={name}>
          <b>{name}</b>
          <Button
            size="compact-xs"
            variant="subtle"
            color="gray"
            aria-label={`Take the role ${name}`}
            onClick={() => onTake(name)}
          >
            Take
          </Button>
        </li>
      ))}
    </ul>
  )
}
