import { Alert, Button, PasswordInput, Stack, TextInput } from '@mantine/core'
import { IconLinkOff } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRouter, useSearch } from '@tanstack/react-router'
import { type ChangeEvent, type FormEvent, useState } from 'react'
import { setUp } from '../api/session.ts'
import { Notice } from '../notices/notice.tsx'
import type { Search } from '../view/search.ts'
import { AuthLayout } from './auth-layout.tsx'

/** Creates the first super-admin from the one-time link of the first start. */
export function SetUpPage() {
  const { secret }: Search = useSearch({ strict: false })
  return (
    <AuthLayout
      title="Welcome to Weir"
      text="Create the first account. It has full access and can create other accounts."
    >
      {secret === undefined ? (
        <Notice compact icon={<IconLinkOff size={26} stroke={1.5} />} title="Incomplete link">
          Open the complete set-up link that Weir printed when it started.
        </Notice>
      ) : (
        <FirstAccountForm secret={secret} />
      )}
    </AuthLayout>
  )
}

/** The form for the first super-admin; submitting it signs in. */
function FirstAccountForm({ secret }: { readonly secret: string }) {
  const [typed, setTyped] = useState({ name: 'admin', password: '', confirmation: '' })
  const { name, password, confirmation } = typed
  const queryClient = useQueryClient()
  const router = useRouter()
  const creation = useMutation({
    mutationFn: () => setUp(secret, name, password),
    onSuccess() {
      queryClient.clear()
      router.history.replace('/')
    },
  })
  const differs = confirmation !== '' && confirmation !== password
  const field = (key: keyof typeof typed) => ({
    required: true,
    withAsterisk: false,
    value: typed[key],
    onChange: (event: ChangeEvent<HTMLInputElement>) =>
      setTyped({ ...typed, [key]: event.currentTarget.value }),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (password === confirmation) creation.mutate()
  }

  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        {creation.isError && (
          <Alert color="red" variant="light" role="alert">
            {creation.error.message}
          </Alert>
        )}
        <TextInput label="Name" autoComplete="username" {...field('name')} />
        <PasswordInput
          label="Password"
          description="At least 8 characters"
          autoComplete="new-password"
          minLength={8}
          {...field('password')}
        />
        <PasswordInput
          label="Confirm password"
          autoComplete="new-password"
          error={differs ? 'Passwords do not match' : undefined}
          {...field('confirmation')}
        />
        <Button type="submit" mt={6} loading={creation.isPending} disabled={differs}>
          Create account
        </Button>
      </Stack>
    </form>
  )
}
