import { Button, Skeleton, TextInput } from '@mantine/core'
import { IconArrowBackUp } from '@tabler/icons-react'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { DifferenceList } from '../format/difference-list.tsx'
import { ErrorState } from '../notices/error-state.tsx'
import { ChangeCounts } from './change-counts.tsx'
import { type Comparison, comparisonQuery, rollBack } from './changes-queries.ts'
import classes from './roll-back.module.css'

/** What RollBack is about. */
type RollBackProps = {
  readonly workspace: string | undefined
  readonly number: number
  readonly onDone: () => void
}

/** What going back to a revision would change, and the way to do it, which asks once more. */
export function RollBack({ workspace, number, onDone }: RollBackProps) {
  const { data, error, refetch } = useQuery(comparisonQuery(workspace, number))
  if (error !== null)
    return <ErrorState error={error} what="the comparison" onRetry={() => void refetch()} />
  if (data === undefined) return <Skeleton height={160} mt="md" />
  if (data.items.length === 0)
    return <p className={classes.words}>Nothing: all that can go back is as it was then.</p>
  return (
    <>
      <Offer workspace={workspace} number={number} comparison={data} onDone={onDone} />
      <DifferenceList items={data.items} />
    </>
  )
}

type Offered = RollBackProps & { readonly comparison: Comparison }

function Offer(offered: Offered) {
  const [isAsking, setAsking] = useState(false)
  if (isAsking) return <Confirm {...offered} onCancel={() => setAsking(false)} />
  return (
    <div className={classes.offer}>
      <ChangeCounts counts={offered.comparison.counts} />
      <Button
        size="compact-sm"
        variant="default"
        leftSection={<IconArrowBackUp size={15} />}
        onClick={() => setAsking(true)}
      >
        Go back to revision {offered.number}
      </Button>
    </div>
  )
}

function Confirm(offered: Offered & { readonly onCancel: () => void }) {
  const { number, onCancel } = offered
  const [message, setMessage] = useState('')
  const going = useRollBack(offered, message)
  return (
    <form
      className={classes.confirm}
      onSubmit={(event) => {
        event.preventDefault()
        going.mutate()
      }}
    >
      <p className={classes.words}>
        This makes a new revision in which the configuration is as it was in revision {number}, at
        once and on every gateway. People, roles and tokens stay as they are.
      </p>
      <TextInput
        label="Why"
        placeholder={`Roll back to revision ${number}`}
        value={message}
        onChange={(event) => setMessage(event.currentTarget.value)}
        data-autofocus
      />
      {going.isError && (
        <p className={classes.refused} role="alert">
          {going.error.message}
        </p>
      )}
      <div className={classes.buttons}>
        <Button size="compact-sm" variant="default" onClick={onCancel}>
          Cancel
        </Button>
        <Button size="compact-sm" color="red" type="submit" loading={going.isPending}>
          Roll back
        </Button>
      </div>
    </form>
  )
}

function useRollBack({ workspace, number, comparison, onDone }: Offered, message: string) {
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
