import { Button, Skeleton, TextInput } from '@mantine/core'
import { IconArrowBackUp } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { DifferenceList } from '../format/difference-list.tsx'
import { ErrorState } from '../notices/error-state.tsx'
import { ChangeCounts } from './change-counts.tsx'
import { type Comparison, comparisonQuery, rollBack } from './changes-queries.ts'
import classes from './roll-back.module.css'

type RollBackProps = {
  readonly workspace: string | undefined
  readonly number: number
  readonly onDone: () => void
}

/** Shows the changes of a rollback, with a confirmation to run it. */
export function RollBack({ workspace, number, onDone }: RollBackProps) {
  const { data, error, refetch } = useQuery(comparisonQuery(workspace, number))
  if (error !== null)
    return <ErrorState error={error} what="the comparison" onRetry={() => void refetch()} />
  if (data === undefined) return <Skeleton height={160} mt="md" />
  if (data.items.length === 0)
    return <p className={classes.text}>The configuration already matches this revision.</p>
  return (
    <>
      <Preview workspace={workspace} number={number} comparison={data} onDone={onDone} />
      <DifferenceList items={data.items} />
    </>
  )
}

type PreviewProps = RollBackProps & { readonly comparison: Comparison }

function Preview(props: PreviewProps) {
  const [isConfirming, setConfirming] = useState(false)
  if (isConfirming) return <Confirm {...props} onCancel={() => setConfirming(false)} />
  return (
    <div className={classes.offer}>
      <ChangeCounts counts={props.comparison.counts} />
      <Button
        size="compact-sm"
        variant="default"
        leftSection={<IconArrowBackUp size={15} />}
        onClick={() => setConfirming(true)}
      >
        Roll back to revision {props.number}
      </Button>
    </div>
  )
}

function Confirm(props: PreviewProps & { readonly onCancel: () => void }) {
  const { number, onCancel } = props
  const [message, setMessage] = useState('')
  const rollback = useRollBack(props, message)
  return (
    <form
      className={classes.confirm}
      onSubmit={(event) => {
        event.preventDefault()
        rollback.mutate()
      }}
    >
      <p className={classes.text}>
        This creates a new revision with the configuration of revision {number} and applies it to
        every gateway. Principals, roles and tokens do not change.
      </p>
      <TextInput
        label="Message"
        placeholder={`Roll back to revision ${number}`}
        value={message}
        onChange={(event) => setMessage(event.currentTarget.value)}
        data-autofocus
      />
      {rollback.isError && (
        <p className={classes.error} role="alert">
          {rollback.error.message}
        </p>
      )}
      <div className={classes.buttons}>
        <Button size="compact-sm" variant="default" onClick={onCancel}>
          Cancel
        </Button>
        <Button size="compact-sm" color="red" type="submit" loading={rollback.isPending}>
          Roll back
        </Button>
      </div>
    </form>
  )
}

function useRollBack({ workspace, number, comparison, onDone }: PreviewProps, message: string) {
  const client = useQueryClient()
  return useMutation({
    mutationFn: () => rollBack(workspace, { number, seen: comparison.revision, message }),
    onSuccess: async () => {
      await client.invalidateQueries()
      onDone()
    },
    onError: () => void client.invalidateQueries({ queryKey: ['changes'] }),
  })
}
