import { Alert, Button, Modal, PasswordInput, Select, Stack, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { changeRbac } from './access-queries.ts'

type NewPrincipalProps = { readonly isOpen: boolean; readonly onClose: () => void }

const kinds = [
  { value: 'user', label: 'User (signs in)' },
  { value: 'service-account', label: 'Service account (token)' },
  { value: 'agent', label: 'Agent (token)' },
]

const empty = { name: '', kind: 'user', email: '', password: '' }

/** A form that creates a principal without roles or tokens. */
export function NewPrincipal({ isOpen, onClose }: NewPrincipalProps) {
  const [typed, setTyped] = useState(empty)
  const client = useQueryClient()
  const close = (): void => {
    setTyped(empty)
    onClose()
  }
  const creation = useMutation({
    mutationFn: () => {
      const filled = Object.entries(typed).filter(([, value]) => value !== '')
      return changeRbac('POST', 'default', 'users', Object.fromEntries(filled))
    },
    onSuccess() {
      void client.invalidateQueries({ queryKey: ['access'] })
      close()
    },
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    creation.mutate()
  }
  return (
    <Modal opened={isOpen} onClose={close} title="New principal" centered>
      <form onSubmit={submit}>
        <Stack gap="sm">
          {creation.isError && (
            <Alert color="red" variant="light" role="alert">
              {creation.error.message}
            </Alert>
          )}
          <PrincipalFields typed={typed} onChange={setTyped} />
          <Button type="submit" loading={creation.isPending}>
            Create principal
          </Button>
        </Stack>
      </form>
    </Modal>
  )
}

type PrincipalFieldsProps = {
  readonly typed: typeof empty
  readonly onChange: (typed: typeof empty) => void
}

function PrincipalFields({ typed, onChange }: PrincipalFieldsProps) {
  const field = (key: keyof typeof empty) => ({
    value: typed[key],
    onChange: (event: { currentTarget: { value: string } }) =>
      onChange({ ...typed, [key]: event.currentTarget.value }),
  })
  return (
    <>
      <TextInput label="Name" required withAsterisk={false} {...field('name')} />
      <Select
        label="Kind"
        data={kinds}
        allowDeselect={false}
        value={typed.kind}
        onChange={(kind) => onChange({ ...typed, kind: kind ?? 'user' })}
      />
      {typed.kind === 'user' && (
        <>
          <TextInput label="Email" type="email" {...field('email')} />
          <PasswordInput
            label="Password"
            description="At least 8 characters; can be set later"
            autoComplete="new-password"
            {...field('password')}
          />
        </>
      )}
    </>
  )
}
