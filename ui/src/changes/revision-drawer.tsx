import { SegmentedControl, Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { DifferenceList } from '../format/difference-list.tsx'
import { formatDate } from '../format/format.ts'
import { SideDrawer } from '../layout/side-drawer.tsx'
import { ErrorState } from '../notices/error-state.tsx'
import { ChangeCounts } from './change-counts.tsx'
import { revisionQuery, type ShownRevision } from './changes-queries.ts'
import classes from './revision-drawer.module.css'
import { RollBack } from './roll-back.tsx'

type RevisionDrawerProps = {
  readonly workspace: string | undefined
  readonly number: number | undefined
  readonly current: number
  readonly onClose: () => void
}

/** The details of a revision, and a rollback to it. */
export function RevisionDrawer({ workspace, number, current, onClose }: RevisionDrawerProps) {
  return (
    <SideDrawer
      isOpen={number !== undefined}
      onClose={onClose}
      title={number === undefined ? 'Revision' : `Revision ${number}`}
      what="the revision"
      width={620}
    >
      {number !== undefined && (
        <LoadedRevision key={number} {...{ workspace, number, current, onDone: onClose }} />
      )}
    </SideDrawer>
  )
}

type LoadedRevisionProps = Omit<RevisionDrawerProps, 'number' | 'onClose'> & {
  readonly number: number
  readonly onDone: () => void
}

function LoadedRevision({ workspace, number, current, onDone }: LoadedRevisionProps) {
  const { data, error, refetch } = useQuery(revisionQuery(workspace, number))
  const [tab, setTab] = useState('changes')
  if (error !== null)
    return <ErrorState error={error} what="this revision" onRetry={() => void refetch()} />
  if (data === undefined)
    return [80, 200, 120].map((height) => <Skeleton key={height} height={height} mb="md" />)
  return (
    <>
      <Facts revision={data} />
      {number !== current && (
        <SegmentedControl
          fullWidth
          size="xs"
          value={tab}
          onChange={setTab}
          data={[
            { value: 'changes', label: 'Changes' },
            { value: 'rollback', label: 'Roll back' },
          ]}
        />
      )}
      {tab === 'changes' ? (
        <DifferenceList items={data.items} />
      ) : (
        <RollBack workspace={workspace} number={number} onDone={onDone} />
      )}
    </>
  )
}

function Facts({ revision }: { readonly revision: ShownRevision }) {
  const { principal, time, message, counts } = revision
  return (
    <div className={classes.facts}>
      {message !== null && <p className={classes.message}>{message}</p>}
      <p className={classes.by}>
        {principal}, {formatDate(time)}
        <ChangeCounts counts={counts} />
      </p>
    </div>
  )
}
