import { Alert, Button, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { text, type EntityRecord } from '../api/entities.ts'
import { CopyText } from '../parts/copy-text.tsx'
import { formatAge } from '../parts/format-age.ts'
import { formatDate } from '../parts/format.ts'
import { Refusal } from '../parts/refusal.tsx'
import { useNow } from '../view/use-now.ts'
import { changeRbac, rbacQuery } from './access-queries.ts'
import owned from './owned-list.module.css'
import classes from './token-list.module.css'

type Deed = { readonly method: 'POST' | 'DELETE'; readonly path: string; readonly body?: unknown }

/** The tokens of a principal: made, rotated and taken; a secret is shown once. */
export function TokenList({ user }: { readonly user: string }) {
  const path = `users/${user}/tokens`
  const { data, error } = useQuery(rbacQuery('default', path))
  const [name, setName] = useState('')
  const [secret, setSecret] = useState<string>()
  const client = useQueryClient()
  const deed = useMutation({
    mutationFn: ({ method, path: at, body }: Deed) => changeRbac(method, ['default', at], body),
    onSuccess(answer) {
      setName('')
      setSecret(answer === undefined ? undefined : text(answer, 'token'))
      void client.invalidateQueries({ queryKey: ['access', 'default', path] })
    },
  })
  if (error !== null) return <Refusal error={error} what="their tokens" />
  return (
    <section>
      <h3 className={owned.title}>Tokens</h3>
      {deed.isError && (
        <Alert color="red" variant="light" role="alert" mb="sm">
          {deed.error.message}
        </Alert>
      )}
      {secret !== undefined && <Secret text={secret} />}
      <ul className={owned.list}>
        {data?.length === 0 && <li>There is none.</li>}
        {data?.map((token) => (
          <Token
            key={token.id}
            token={token}
            onRotate={() =>
              deed.mutate({ method: 'POST', path: `${path}/${token.id}/rotate`, body: {} })
            }
            onRevoke={() => deed.mutate({ method: 'DELETE', path: `${path}/${token.id}` })}
          />
        ))}
      </ul>
      <div className={owned.add}>
        <TextInput
          size="xs"
          aria-label="Name of the new token"
          placeholder="Name of the new token"
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Button
          size="xs"
          variant="default"
          loading={deed.isPending}
          onClick={() => deed.mutate({ method: 'POST', path, body: name === '' ? {} : { name } })}
        >
          Make a token
        </Button>
      </div>
    </section>
  )
}

function Secret({ text: secret }: { readonly text: string }) {
  return (
    <output className={classes.secret}>
      <span>This token is shown once. Whoever has it is this principal.</span>
      <code>{secret}</code>
      <CopyText text={secret} title="Copy the token" />
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
        <small>{lifeOf(token, now)}</small>
      </span>
      <span className={classes.actions}>
        <Button
          size="compact-xs"
          variant="default"
          aria-label={`Rotate ${name}`}
          title="A new token; this one goes on for an hour"
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

/** When a token was used last, and how long it lasts. */
function lifeOf(token: EntityRecord, now: number): string {
  const [used, ends] = [token['last_used_at'], token['expires_at']]
  const from = text(token, 'last_used_from')
  const use =
    typeof used === 'number'
      ? `used ${formatAge(used * 1000, now)}${from === '' ? '' : ` from ${from}`}`
      : 'never used'
  if (typeof ends !== 'number') return `${use}, lasts until it is revoked`
  return ends * 1000 <= now ? `${use}, over` : `${use}, ends ${formatDate(ends * 1000)}`
}
