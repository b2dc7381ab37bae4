import { Alert, Button, PasswordInput, Stack, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { useState, type ChangeEvent, type FormEvent } from 'react'
import { setUp } from '../api/session.ts'

/** Asks for the name and password of the first super-admin, makes it, and signs it in. */
export function FirstAccountForm({ secret }: { readonly secret: string }) {
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
