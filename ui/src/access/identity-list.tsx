import { Alert, Button } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { text } from '../api/entities.ts'
import { Chips } from '../entities/chips.tsx'
import { changeRbac, rbacQuery } from './access-queries.ts'
import classes from './principal-drawer.module.css'

type IdentityListProps = { readonly user: string; readonly groups: readonly string[] }

/** The subjects of an identity provider that sign in as a principal, and its groups at the provider. */
export function IdentityList({ user, groups }: IdentityListProps) {
  const path = `users/${user}/identities`
  const { data = [] } = useQuery(rbacQuery('default', path))
  const client = useQueryClient()
  const unlink = useMutation({
    mutationFn: (id: string) => changeRbac('DELETE', 'default', `${path}/${id}`),
    onSuccess: () => client.invalidateQueries({ queryKey: ['access', 'default', path] }),
  })
  if (data.length === 0 && groups.length === 0) return null
  return (
    <section aria-label="Identity provider">
      <h3 className={classes.title}>Identity provider</h3>
      {unlink.isError && (
        <Alert color="red" variant="light" role="alert" mb="sm">
          {unlink.error.message}
        </Alert>
      )}
      <ul className={classes.list}>
        {data.map((identity) => (
          <li key={identity.id}>
            <span style={{ minWidth: 0, overflowWrap: 'anywhere' }}>
              <b>{text(identity, 'subject')}</b>{' '}
              <span className={classes.dim}>{text(identity, 'issuer')}</span>
            </span>
            <Button
              size="compact-xs"
              variant="subtle"
              color="gray"
              aria-label={`Unlink ${text(identity, 'subject')}`}
              onClick={() => unlink.mutate(identity.id)}
            >
              Unlink
            </Button>
          </li>
        ))}
      </ul>
      <p className={classes.dim}>
        Groups at the last sign-in; their roles end when the provider no longer lists them.
      </p>
      <Chips values={groups} />
    </section>
  )
}
