import { Alert, Button, Divider, PasswordInput, Stack, TextInput } from '@mantine/core'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useRouter, useSearch } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { ApiError } from '../api/api-error.ts'
import { signIn, signInByProvider, signInOptionsQuery } from '../api/session.ts'
import type { Search } from '../view/search.ts'
import { AuthLayout } from './auth-layout.tsx'

export function SignInPage() {
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const [code, setCode] = useState('')
  const [needsCode, setNeedsCode] = useState(false)
  const { next }: Search = useSearch({ strict: false })
  const queryClient = useQueryClient()
  const router = useRouter()

  const signingIn = useMutation({
    mutationFn: () => signIn(name, password, code),
    onError(error) {
      if (error instanceof ApiError && error.code === 'control.code_missing') setNeedsCode(true)
    },
    async onSuccess() {
      queryClient.clear()
      router.history.push(isOwnPath(next) ? next : '/')
    },
  })

  const label = useQuery(signInOptionsQuery).data?.label
  const leaving = useMutation({ mutationFn: () => signInByProvider(next) })

  const submit = (event: FormEvent) => {
    event.preventDefault()
    signingIn.mutate()
  }

  return (
    <AuthLayout title="Sign in to Weir" text="Use the account that your administrator gave you.">
      <form onSubmit={submit}>
        <Stack gap="sm">
          {(signingIn.error ?? leaving.error) !== null && (
            <Alert color="red" variant="light" role="alert">
              {errorText(signingIn.error ?? leaving.error)}
            </Alert>
          )}
          {label !== undefined && (
            <>
              <Button
                type="button"
                size="md"
                loading={leaving.isPending || leaving.isSuccess}
                onClick={() => leaving.mutate()}
              >
                Sign in with {label}
              </Button>
              <Divider label="or with a password" labelPosition="center" my={4} />
            </>
          )}
          <TextInput
            label="Name"
            autoComplete="username"
            required
            withAsterisk={false}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <PasswordInput
            label="Password"
            autoComplete="current-password"
            required
            withAsterisk={false}
            value={password}
            onChange={(event) => setPassword(event.currentTarget.value)}
          />
          {needsCode && (
            <TextInput
              label="Code from your authenticator app"
              description="Or one of your recovery codes."
              autoComplete="one-time-code"
              value={code}
              onChange={(event) => setCode(event.currentTarget.value)}
            />
          )}
          <Button
            type="submit"
            mt={6}
            variant={label === undefined ? 'filled' : 'default'}
            loading={signingIn.isPending}
          >
            Sign in
          </Button>
        </Stack>
      </form>
    </AuthLayout>
  )
}

function errorText(error: Error | null): string {
  if (error === null) return ''
  if (error instanceof ApiError && error.status === 401 && error.message === '')
    return 'Wrong name or password.'
  return error.message
}

/** Whether a path stays on this site; a link must not redirect elsewhere after sign-in. */
const isOwnPath = (next: string | undefined): next is string =>
  next !== undefined && /^\/(?![/\\])/.test(next)
