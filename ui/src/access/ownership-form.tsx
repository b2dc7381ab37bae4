import { Alert, Button, Group, Stack, TagsInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { changeOwnership, type Ownership } from './workspace-queries.ts'

type OwnershipFormProps = {
  readonly workspace: string
  readonly owned: Ownership
  readonly onDone: () => void
}

/** A form that changes which hosts and paths a workspace owns. */
export function OwnershipForm({ workspace, owned, onDone }: OwnershipFormProps) {
  const [hosts, setHosts] = useState([...owned.owned_hosts])
  const [paths, setPaths] = useState([...owned.owned_paths])
  const client = useQueryClient()
  const change = useMutation({
    mutationFn: () => changeOwnership(workspace, { owned_hosts: hosts, owned_paths: paths }),
    onSuccess() {
      void client.invalidateQueries({ queryKey: ['access', workspace] })
      onDone()
    },
  })
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    change.mutate()
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        {change.isError && (
          <Alert color="red" variant="light" role="alert">
            {change.error.message}
          </Alert>
        )}
        <TagsInput
          label="Owned hosts"
          description="Without a port. *.orders.example.com covers every host below orders.example.com."
          placeholder={hosts.length === 0 ? 'orders.example.com' : ''}
          splitChars={splitChars}
          acceptValueOnBlur
          value={hosts}
          onChange={setHosts}
        />
        <TagsInput
          label="Owned paths"
          description="Prefixes: /orders covers /orders, /orders/1 and /orders-old, on hosts that no other workspace owns."
          placeholder={paths.length === 0 ? '/orders' : ''}
          splitChars={splitChars}
          acceptValueOnBlur
          value={paths}
          onChange={setPaths}
        />
        <Group gap={6}>
          <Button type="submit" size="xs" loading={change.isPending}>
            Save
          </Button>
          <Button size="xs" variant="subtle" color="gray" onClick={onDone}>
            Cancel
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

const splitChars = [',', ' ', ';']
