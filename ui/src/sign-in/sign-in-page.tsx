import { Alert, Button, PasswordInput, Stack, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRouter, useSearch } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { ApiError } from '../api/api-error.ts'
import { signIn } from '../api/session.ts'
import type { Search } from '../view/search.ts'
import { AuthLayout } from './auth-layout.tsx'

/** Where a person says who they are. */
export function SignInPage() {
  const [name, setName] = useState('')
  const [password, setPassword] = useState('')
  const { next }: Search = useSearch({ strict: false })
  const queryClient = useQueryClient()
  const router = useRouter()

  const entering = useMutation({
    mutationFn: () => signIn(name, password),
    async onSuccess() {
      queryClient.clear()
      router.history.push(isOwnPath(next) ? next : '/')
    },
  })

  const submit = (event: FormEvent) => {
    event.preventDefault()
    entering.mutate()
  }

  return (
    <AuthLayout title="Sign in to Weir" words="What you see follows from what you may read.">
      <form onSubmit={submit}>
        <Stack gap="sm">
          {entering.isError && (
            <Alert color="red" variant="light" role="alert">
              {sentenceOf(entering.error)}
            </Alert>
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
          <Button type="submit" mt={6} loading={entering.isPending}>
            Sign in
          </Button>
        </Stack>
      </form>
    </AuthLayout>
  )
}

function sentenceOf(error: Error): string {
  if (error instanceof ApiError && error.status === 401 && error.message === '')
    return 'This name and password do not belong together.'
  return error.message
}

/** Only a path of this site, so that a link cannot send a fresh sign-in elsewhere. */
const isOwnPath = (next: string | undefined): next is string =>
  next !== undefined && /^\/(?![/\\])/.test(next)
