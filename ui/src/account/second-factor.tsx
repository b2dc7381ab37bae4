import { Alert, Button, PasswordInput, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { renderSVG } from 'uqr'
import type { AccountSummary } from '../../../src/schema/session.ts'
import { CopyText } from '../controls/copy-text.tsx'
import { formatDate } from '../format/format.ts'
import { Panel } from '../layout/panel.tsx'
import classes from './account.module.css'
import {
  accountQuery,
  beginSecondFactor,
  confirmSecondFactor,
  removeSecondFactor,
} from './account-queries.ts'

/** Sets an authenticator app up, or removes it. */
export function SecondFactor({ enabled }: { readonly enabled: AccountSummary['second_factor'] }) {
  const [password, setPassword] = useState('')
  const [code, setCode] = useState('')
  const client = useQueryClient()
  const refresh = () => client.invalidateQueries({ queryKey: accountQuery.queryKey })
  const begin = useMutation({ mutationFn: beginSecondFactor, onSettled: () => setPassword('') })
  const confirm = useMutation({
    mutationFn: confirmSecondFactor,
    onSuccess() {
      setCode('')
      begin.reset()
      void refresh()
    },
  })
  const remove = useMutation({
    mutationFn: removeSecondFactor,
    onSuccess() {
      confirm.reset()
      void refresh()
    },
    onSettled: () => setPassword(''),
  })
  const error = begin.error ?? confirm.error ?? remove.error
  const submit = (act: () => void) => (event: FormEvent) => {
    event.preventDefault()
    act()
  }
  return (
    <Panel title="Authenticator app">
      {error !== null && (
        <Alert color="red" variant="light" role="alert" mb="sm">
          {error.message}
        </Alert>
      )}
      {confirm.data !== undefined && <RecoveryCodes codes={confirm.data.recovery_codes} />}
      {begin.data === undefined ? (
        <form
          className={classes.form}
          onSubmit={submit(() =>
            enabled === null ? begin.mutate(password) : remove.mutate(password),
          )}
        >
          <p className={classes.about}>
            {enabled === null
              ? 'Signing in with a password then also needs a code from an app on your phone.'
              : `Set up on ${formatDate(enabled.confirmed_at * 1000)}. ${enabled.recovery_codes} recovery codes are left.`}
          </p>
          <PasswordInput
            label="Your password"
            autoComplete="current-password"
            required
            withAsterisk={false}
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          <Button
            type="submit"
            variant="default"
            loading={begin.isPending || remove.isPending}
            disabled={password === ''}
          >
            {enabled === null ? 'Set up' : 'Remove'}
          </Button>
        </form>
      ) : (
        <form className={classes.form} onSubmit={submit(() => confirm.mutate(code))}>
          <p className={classes.about}>Scan this with your app, or enter the secret by hand.</p>
          <img
            className={classes.code}
            alt="QR code of the secret"
            src={`data:image/svg+xml,${encodeURIComponent(renderSVG(begin.data.uri))}`}
          />
          <p className={classes.secret}>
            <code>{begin.data.secret.replaceAll(/(.{4})(?=.)/g, '$1 ')}</code>
            <CopyText text={begin.data.secret} title="Copy" />
          </p>
          <TextInput
            label="Code from the app"
            inputMode="numeric"
            autoComplete="one-time-code"
            required
            withAsterisk={false}
            value={code}
            onChange={(event) => setCode(event.currentTarget.value)}
          />
          <Button type="submit" loading={confirm.isPending} disabled={code === ''}>
            Confirm
          </Button>
        </form>
      )}
    </Panel>
  )
}

function RecoveryCodes({ codes }: { readonly codes: readonly string[] }) {
  return (
    <Alert color="yellow" variant="light" mb="md" title="Keep these recovery codes">
      Each signs you in once without the app. They are not shown again.
      <ul className={classes.codes}>
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <CopyText text={codes.join('\n')} title="Copy all" />
    </Alert>
  )
}
