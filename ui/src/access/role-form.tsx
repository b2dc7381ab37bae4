import { Alert, Button, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { changeRbac } from './access-queries.ts'
import classes from './role-form.module.css'

/** Makes a role in a workspace; what it says is added to it afterwards. */
export function RoleForm({ workspace }: { readonly workspace: string }) {
  const [name, setName] = useState('')
  const client = useQueryClient()
  const making = useMutation({
    mutationFn: () => changeRbac('POST', [workspace, 'roles'], { name }),
    onSuccess() {
      setName('')
      void client.invalidateQueries({ queryKey: ['access', workspace] })
    },
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    making.mutate()
  }
  return (
    <form className={classes.row} onSubmit={submit}>
      <TextInput
        size="xs"
        aria-label="Name of the new role"
        placeholder="Name of the new role"
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <Button
        type="submit"
        size="xs"
        variant="default"
        disabled={name === ''}
        loading={making.isPending}
      >
        New role
      </Button>
      {making.isError && (
        <Alert color="red" variant="light" role="alert">
          {making.error.message}
        </Alert>
      )}
    </form>
  )
}
