import { Alert, Button, Modal, PasswordInput, Select, Stack, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { changeRbac } from './access-queries.ts'

/** What a NewPrincipal needs. */
type NewPrincipalProps = { readonly isOpen: boolean; readonly onClose: () => void }

const kinds = [
  { value: 'user', label: 'User, who signs in' },
  { value: 'service-account', label: 'Service account, by token' },
  { value: 'agent', label: 'Agent, by token' },
]

const empty = { name: '', kind: 'user', email: '', password: '' }

/** Makes a principal; roles and tokens are given to it afterwards. */
export function NewPrincipal({ isOpen, onClose }: NewPrincipalProps) {
  const [typed, setTyped] = useState(empty)
  const client = useQueryClient()
  const close = (): void => {
    setTyped(empty)
    onClose()
  }
  const making = useMutation({
    mutationFn: () => {
      const given = Object.entries(typed).filter(([, value]) => value !== '')
      return changeRbac('POST', ['default', 'users'], Object.fromEntries(given))
    },
    onSuccess() {
      void client.invalidateQueries({ queryKey: ['access'] })
      close()
    },
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    making.mutate()
  }
  return (
    <Modal opened={isOpen} onClose={close} title="New principal" centered>
      <form onSubmit={submit}>
        <Stack gap="sm">
          {making.isError && (
            <Alert color="red" variant="light" role="alert">
              {making.error.message}
            </Alert>
          )}
          <PrincipalFields typed={typed} onType={setTyped} />
          <Button type="submit" loading={making.isPending}>
            Make the principal
          </Button>
        </Stack>
      </form>
    </Modal>
  )
}

type PrincipalFieldsProps = {
  readonly typed: typeof empty
  readonly onType: (typed: typeof empty) => void
}

function PrincipalFields({ typed, onType }: PrincipalFieldsProps) {
  const field = (key: keyof typeof empty) => ({
    value: typed[key],
    onChange: (event: { currentTarget: { value: string } }) =>
      onType({ ...typed, [key]: event.currentTarget.value }),
  })
  return (
    <>
      <TextInput label="Name" required withAsterisk={false} {...field('name')} />
      <Select
        label="Kind"
        data={kinds}
        allowDeselect={false}
        value={typed.kind}
        onChange={(kind) => onType({ ...typed, kind: kind ?? 'user' })}
      />
      {typed.kind === 'user' && (
        <>
          <TextInput label="Email" type="email" {...field('email')} />
          <PasswordInput
            label="Password"
            description="At least 8 characters; may be given later"
            autoComplete="new-password"
            {...field('password')}
          />
        </>
      )}
    </>
  )
}
