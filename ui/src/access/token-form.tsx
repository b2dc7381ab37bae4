import { Alert, Button, Textarea } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import type { ExplainedToken } from '../../../src/schema/entitlement.ts'
import { Panel } from '../layout/panel.tsx'
import { explainToken } from './access-queries.ts'
import classes from './token-form.module.css'

/** Explains an access token of the identity provider: its claims, and what they allow. */
export function TokenForm() {
  const [token, setToken] = useState('')
  const explaining = useMutation({ mutationFn: explainToken, onSuccess: () => setToken('') })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    explaining.mutate(token)
  }
  return (
    <div className={classes.columns}>
      <Panel title="Explain a token" hint="Verified as by the Admin API">
        <form onSubmit={submit} className={classes.form}>
          <Textarea
            label="Access token of the identity provider"
            description="It is not stored. The audit log records that you looked, and at whose token."
            autosize
            minRows={4}
            maxRows={10}
            spellCheck={false}
            autoComplete="off"
            value={token}
            onChange={(event) => setToken(event.currentTarget.value)}
          />
          <Button type="submit" disabled={token.trim() === ''} loading={explaining.isPending}>
            Explain
          </Button>
        </form>
      </Panel>
      {explaining.isError && (
        <Alert color="red" variant="light" role="alert">
          {explaining.error.message}
        </Alert>
      )}
      {explaining.data !== undefined && <Explained token={explaining.data} />}
    </div>
  )
}

function Explained({ token }: { readonly token: ExplainedToken }) {
  if (!token.valid)
    return (
      <Alert color="red" variant="light" role="alert" title="Refused">
        {token.because}
      </Alert>
    )
  return (
    <Panel title={token.subject ?? ''} {...(token.issuer === null ? {} : { hint: token.issuer })}>
      <dl className={classes.facts}>
        <dt>Principal</dt>
        <dd>
          {token.principal === null
            ? 'None yet; the first sign-in creates or links it.'
            : `${token.principal.name}${token.principal.enabled ? '' : ' (disabled)'}`}
        </dd>
        <dt>Groups</dt>
        <dd>
          {token.groups.length === 0 && 'The token has no groups.'}
          {token.groups.map(({ name, roles }) => (
            <div key={name}>
              <b>{name}</b> {roles.length === 0 ? 'gives no role' : listRoles(roles)}
            </div>
          ))}
        </dd>
        <dt>Granted by hand</dt>
        <dd>{token.granted.length === 0 ? 'No roles.' : listRoles(token.granted)}</dd>
        <dt>Traffic</dt>
        <dd>{token.rows}</dd>
        <dt>Permissions</dt>
        <dd>
          {token.permissions.length === 0 ? (
            'None: every request of this token is denied.'
          ) : (
            <ul className={classes.list}>
              {token.permissions.map((sentence) => (
                <li key={sentence}>{sentence}</li>
              ))}
            </ul>
          )}
        </dd>
        <dt>Claims</dt>
        <dd>
          <pre className={classes.claims}>{JSON.stringify(token.claims, null, 2)}</pre>
        </dd>
      </dl>
    </Panel>
  )
}

const listRoles = (roles: ExplainedToken['granted']): string =>
  roles.map(({ name, workspace }) => `${name} in ${workspace}`).join(', ')
