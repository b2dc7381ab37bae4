import { Alert, Button, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { type EntityRecord, text } from '../api/entities.ts'
import { CopyText } from '../controls/copy-text.tsx'
import { formatAge, formatDate } from '../format/format.ts'
import { ErrorState } from '../notices/error-state.tsx'
import { useNow } from '../view/use-now.ts'
import { changeRbac, rbacQuery } from './access-queries.ts'
import classes from './principal-drawer.module.css'

type Change = { readonly method: 'POST' | 'DELETE'; readonly path: string; readonly body?: unknown }

/** The tokens of a principal, with controls to create, rotate and revoke them. */
export function TokenList({ user }: { readonly user: string }) {
  const path = `users/${user}/tokens`
  const { data, error } = useQuery(rbacQuery('default', path))
  const [name, setName] = useState('')
  const [secret, setSecret] = useState<string>()
  const client = useQueryClient()
  const change = useMutation({
    mutationFn: ({ method, path: at, body }: Change) => changeRbac(method, 'default', at, body),
    onSuccess(created) {
      setName('')
      setSecret(created === undefined ? undefined : text(created, 'token'))
      void client.invalidateQueries({ queryKey: ['access', 'default', path] })
    },
  })
  if (error !== null) return <ErrorState error={error} what="the tokens of this principal" />
  return (
    <section aria-label="Tokens">
      <h3 className={classes.title}>Tokens</h3>
      {change.isError && (
        <Alert color="red" variant="light" role="alert" mb="sm">
          {change.error.message}
        </Alert>
      )}
      {secret !== undefined && <Secret text={secret} />}
      <ul className={classes.list}>
        {data?.length === 0 && <li className={classes.dim}>No tokens.</li>}
        {data?.map((token) => (
          <Token
            key={token.id}
            token={token}
            onRotate={() =>
              change.mutate({ method: 'POST', path: `${path}/${token.id}/rotate`, body: {} })
            }
            onRevoke={() => change.mutate({ method: 'DELETE', path: `${path}/${token.id}` })}
          />
        ))}
      </ul>
      <div className={classes.add}>
        <TextInput
          size="xs"
          aria-label="Token name"
          placeholder="Token name"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Button
          size="xs"
          variant="default"
          loading={change.isPending}
          onClick={() => change.mutate({ method: 'POST', path, body: name === '' ? {} : { name } })}
        >
          Create token
        </Button>
      </div>
    </section>
  )
}

function Secret({ text: secret }: { readonly text: string }) {
  return (
    <output className={classes.secret}>
      <span>Copy this token now. It will not be shown again.</span>
      <code>{secret}</code>
      <CopyText text={secret} title="Copy token" />
    </output>
  )
}

type TokenProps = {
  readonly token: EntityRecord
  readonly onRotate: () => void
  readonly onRevoke: () => void
}

function Token({ token, onRotate, onRevoke }: TokenProps) {
  const now = useNow(30_000)
  const name = text(token, 'name') || token.id.slice(0, 8)
  return (
    <li>
      <span>
        <b>{name}</b>
        <small>{usageLabel(token, now)}</small>
      </span>
      <span className={classes.buttons}>
        <Button
          size="compact-xs"
          variant="default"
          aria-label={`Rotate ${name}`}
          title="Creates a new token; this one stays valid for an hour"
          onClick={onRotate}
        >
          Rotate
        </Button>
        <Button
          size="compact-xs"
          variant="subtle"
          color="red"
          aria-label={`Revoke ${name}`}
          onClick={onRevoke}
        >
          Revoke
        </Button>
      </span>
    </li>
  )
}

/** When a token was last used, and when it expires. */
function usageLabel(token: EntityRecord, now: number): string {
  const [used, expires] = [token['last_used_at'], token['expires_at']]
  const from = text(token, 'last_used_from')
  const usage =
    typeof used === 'number'
      ? `Last used ${formatAge(used * 1000, now)}${from === '' ? '' : ` from ${from}`}`
      : 'Never used'
  if (typeof expires !== 'number') return `${usage} · no expiry`
  return expires * 1000 <= now
    ? `${usage} · expired`
    : `${usage} · expires ${formatDate(expires * 1000)}`
}
