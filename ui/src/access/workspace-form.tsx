import { Alert, Button, Group, NumberInput, Stack, TagsInput } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import { changeWorkspace, type WorkspaceSettings } from './workspace-queries.ts'

type WorkspaceFormProps = {
  readonly workspace: string
  readonly settings: WorkspaceSettings
  readonly onDone: () => void
}

/** A form that changes which hosts and paths a workspace owns, and how long its requests are kept. */
export function WorkspaceForm({ workspace, settings, onDone }: WorkspaceFormProps) {
  const [hosts, setHosts] = useState([...settings.owned_hosts])
  const [paths, setPaths] = useState([...settings.owned_paths])
  const [days, setDays] = useState<number | undefined>(settings.retention_days)
  const client = useQueryClient()
  const change = useMutation({
    mutationFn: () =>
      changeWorkspace(workspace, { owned_hosts: hosts, owned_paths: paths, retention_days: days }),
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
        <NumberInput
          label="Retention in days"
          description="Recorded requests that are older are hidden at once and removed within a day or two. Empty for the default of the warehouse."
          min={1}
          max={36_500}
          allowDecimal={false}
          value={days ?? ''}
          onChange={(value) => setDays(typeof value === 'number' ? value : undefined)}
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
