import { Alert, Button, PasswordInput, Stack, TextInput } from '@mantine/core'
import { IconLinkOff } from '@tabler/icons-react'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRouter, useSearch } from '@tanstack/react-router'
import { type ChangeEvent, type FormEvent, useState } from 'react'
import { setUp } from '../api/session.ts'
import { Notice } from '../notices/notice.tsx'
import type { Search } from '../view/search.ts'
import { AuthLayout } from './auth-layout.tsx'

/** Where the one-time link of the first start makes the first super-admin. */
export function SetUpPage() {
  const { secret }: Search = useSearch({ strict: false })
  return (
    <AuthLayout
      title="Welcome to Weir"
      words="Make the first account. It may do everything, and it can give others less."
    >
      {secret === undefined ? (
        <Notice
          compact
          icon={<IconLinkOff size={26} stroke={1.5} />}
          title="The link is incomplete"
        >
          Open the whole set-up link that Weir printed when it started; it holds a secret that works
          once.
        </Notice>
      ) : (
        <FirstAccountForm secret={secret} />
      )}
    </AuthLayout>
  )
}

/** Asks for the name and password of the first super-admin, makes it, and signs it in. */
function FirstAccountForm({ secret }: { readonly secret: string }) {
  const [typed, setTyped] = useState({ name: 'admin', password: '', again: '' })
  const { name, password, again } = typed
  const queryClient = useQueryClient()
  const router = useRouter()
  const making = useMutation({
    mutationFn: () => setUp(secret, name, password),
    onSuccess() {
      queryClient.clear()
      router.history.replace('/')
    },
  })
  const differs = again !== '' && again !== password
  const field = (key: keyof typeof typed) => ({
    required: true,
    withAsterisk: false,
    value: typed[key],
    onChange: (event: ChangeEvent<HTMLInputElement>) =>
      setTyped({ ...typed, [key]: event.currentTarget.value }),
  })
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (password === again) making.mutate()
  }

  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        {making.isError && (
          <Alert color="red" variant="light" role="alert">
            {making.error.message}
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
          label="Password again"
          autoComplete="new-password"
          error={differs ? 'The two passwords differ' : undefined}
          {...field('again')}
        />
        <Button type="submit" mt={6} loading={making.isPending} disabled={differs}>
          Create the account and sign in
        </Button>
      </Stack>
    </form>
  )
}
