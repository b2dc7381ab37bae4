import { Alert, Button, Select } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { text } from '../api/entities.ts'
import { changeRbac, rbacQuery, rolesOfQuery } from './access-queries.ts'
import classes from './principal-drawer.module.css'

type PrincipalRolesProps = { readonly workspace: string; readonly user: string }

/** The roles of a principal in a workspace, with controls to assign and remove them. */
export function PrincipalRoles({ workspace, user }: PrincipalRolesProps) {
  const assigned = useQuery(rolesOfQuery(workspace, user))
  const all = useQuery(rbacQuery(workspace, 'roles'))
  const [role, setRole] = useState<string | null>(null)
  const client = useQueryClient()
  const change = useMutation({
    mutationFn: ({ method, name }: { method: 'POST' | 'DELETE'; name: string }) =>
      changeRbac(method, workspace, `users/${user}/roles`, { roles: name }),
    onSuccess() {
      setRole(null)
      void client.invalidateQueries({ queryKey: ['access'] })
    },
  })
  const names = assigned.data?.map((one) => text(one, 'name')) ?? []
  const others = (all.data ?? [])
    .map((one) => text(one, 'name'))
    .filter((name) => !names.includes(name))
  const error = change.error ?? assigned.error
  return (
    <section aria-label={`Roles in ${workspace}`}>
      <h3 className={classes.title}>Roles in {workspace}</h3>
      {error !== null && (
        <Alert color="red" variant="light" role="alert" mb="sm">
          {error.message}
        </Alert>
      )}
      <ul className={classes.list}>
        {assigned.isSuccess && names.length === 0 && (
          <li className={classes.dim}>No roles in this workspace.</li>
        )}
        {names.map((name) => (
          <li key={name}>
            <b>{name}</b>
            <Button
              size="compact-xs"
              variant="subtle"
              color="gray"
              aria-label={`Remove role ${name}`}
              onClick={() => change.mutate({ method: 'DELETE', name })}
            >
              Remove
            </Button>
          </li>
        ))}
      </ul>
      <div className={classes.add}>
        <Select
          size="xs"
          aria-label={`Role to assign in ${workspace}`}
          placeholder="Select a role"
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
          Assign
        </Button>
      </div>
    </section>
  )
}
