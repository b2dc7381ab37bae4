import { Alert, Button, MultiSelect, SegmentedControl, TextInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState, type FormEvent } from 'react'
import { changeRbac } from './access-queries.ts'
import { verbs } from './extents.ts'
import classes from './permission-form.module.css'

/** What a PermissionForm adds to. */
type PermissionFormProps = {
  readonly workspace: string
  readonly role: string
  readonly onDone: () => void
}

/** Adds to a role what it allows, or forbids, at a path. */
export function PermissionForm({ workspace, role, onDone }: PermissionFormProps) {
  const [endpoint, setEndpoint] = useState('/services/*')
  const [actions, setActions] = useState<string[]>(['read'])
  const [verb, setVerb] = useState('allows')
  const client = useQueryClient()
  const adding = useMutation({
    mutationFn: () =>
      changeRbac('POST', [workspace, `roles/${role}/endpoints`], {
        endpoint,
        actions,
        negative: verb === 'forbids',
      }),
    onSuccess() {
      void client.invalidateQueries({ queryKey: ['access', workspace] })
      onDone()
    },
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    adding.mutate()
  }
  return (
    <form className={classes.form} onSubmit={submit}>
      <SegmentedControl
        size="xs"
        aria-label="Allow or forbid"
        value={verb}
        onChange={setVerb}
        data={['allows', 'forbids']}
      />
      <MultiSelect
        size="xs"
        aria-label="Actions"
        data={verbs}
        value={actions}
        onChange={setActions}
      />
      <TextInput
        size="xs"
        aria-label="Path; a star is one segment, and alone any path"
        value={endpoint}
        onChange={(event) => setEndpoint(event.currentTarget.value)}
      />
      {adding.isError && (
        <Alert color="red" variant="light" role="alert">
          {adding.error.message}
        </Alert>
      )}
      <span className={classes.actions}>
        <Button type="submit" size="compact-xs" loading={adding.isPending}>
          Add
        </Button>
        <Button size="compact-xs" variant="subtle" color="gray" onClick={onDone}>
          Cancel
        </Button>
      </span>
    </form>
  )
}
