import { Alert, Button, MultiSelect, SegmentedControl, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { changeRbac } from './access-queries.ts'
import classes from './permission-form.module.css'
import { actions as allActions } from './workspace-matrix.tsx'

type PermissionFormProps = {
  readonly workspace: string
  readonly role: string
  readonly onDone: () => void
}

/** A form that adds an endpoint permission to a role. */
export function PermissionForm({ workspace, role, onDone }: PermissionFormProps) {
  const [endpoint, setEndpoint] = useState('/services/*')
  const [actions, setActions] = useState<string[]>(['read'])
  const [effect, setEffect] = useState('allow')
  const client = useQueryClient()
  const addition = useMutation({
    mutationFn: () =>
      changeRbac('POST', workspace, `roles/${role}/endpoints`, {
        endpoint,
        actions,
        negative: effect === 'deny',
      }),
    onSuccess() {
      void client.invalidateQueries({ queryKey: ['access', workspace] })
      onDone()
    },
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    addition.mutate()
  }
  return (
    <form className={classes.form} onSubmit={submit}>
      <SegmentedControl
        size="xs"
        aria-label="Allow or deny"
        value={effect}
        onChange={setEffect}
        data={[
          { value: 'allow', label: 'Allow' },
          { value: 'deny', label: 'Deny' },
        ]}
      />
      <MultiSelect
        size="xs"
        aria-label="Actions"
        data={allActions}
        value={actions}
        onChange={setActions}
      />
      <TextInput
        size="xs"
        aria-label="Endpoint path; * matches one segment, * alone any path"
        value={endpoint}
        onChange={(event) => setEndpoint(event.currentTarget.value)}
      />
      {addition.isError && (
        <Alert color="red" variant="light" role="alert">
          {addition.error.message}
        </Alert>
      )}
      <span className={classes.actions}>
        <Button type="submit" size="compact-xs" loading={addition.isPending}>
          Add
        </Button>
        <Button size="compact-xs" variant="subtle" color="gray" onClick={onDone}>
          Cancel
        </Button>
      </span>
    </form>
  )
}
