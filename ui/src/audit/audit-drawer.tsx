import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ChainedRecord } from '../../../src/schema/audit-record.ts'
import { CopyText } from '../controls/copy-text.tsx'
import { DifferenceList } from '../format/difference-list.tsx'
import { formatDate } from '../format/format.ts'
import { StatusBadge } from '../format/status-badge.tsx'
import { SideDrawer } from '../layout/side-drawer.tsx'
import { ErrorState } from '../notices/error-state.tsx'
import classes from './audit-drawer.module.css'
import { actionLabel } from './audit-labels.ts'
import { auditRecordQuery } from './audit-queries.ts'
import { diffRecord } from './diff-record.ts'

type AuditDrawerProps = {
  readonly sequence: number | undefined
  readonly onClose: () => void
}

/** The details of an audit record: principal, decision, changes and its hash in the chain. */
export function AuditDrawer({ sequence, onClose }: AuditDrawerProps) {
  return (
    <SideDrawer
      isOpen={sequence !== undefined}
      onClose={onClose}
      title={sequence === undefined ? 'Record' : `Record ${sequence}`}
      what="the record"
    >
      {sequence !== undefined && <LoadedRecord sequence={sequence} />}
    </SideDrawer>
  )
}

function LoadedRecord({ sequence }: { readonly sequence: number }) {
  const { data, error, refetch } = useQuery(auditRecordQuery(sequence))
  if (error !== null)
    return <ErrorState error={error} what="this record" onRetry={() => void refetch()} />
  if (data === undefined)
    return [120, 200, 80].map((height) => <Skeleton key={height} height={height} mb="md" />)
  return <RecordDetails record={data} />
}

function RecordDetails({ record }: { readonly record: ChainedRecord }) {
  const facts: readonly (readonly [string, string])[] = [
    ['Principal', record.principal?.name ?? (record.address === '' ? 'Weir' : 'unknown')],
    ['Time', formatDate(record.time)],
    ['Client address', record.address || '–'],
    ['Workspace', record.workspace || '–'],
    ['Request ID', record.requestId || '–'],
    ['Revision', record.revision === null ? 'none' : String(record.revision)],
  ]
  return (
    <>
      <p className={classes.action}>
        <StatusBadge status={record.status} /> {actionLabel(record)} <code>{record.path}</code>
      </p>
      <p className={classes.because} data-denied={!record.allowed || undefined}>
        {record.because}
      </p>
      <Facts facts={facts} />
      <DifferenceList items={diffRecord(record.before, record.after)} />
      <h3 className={classes.heading}>Hash chain</h3>
      <Facts
        facts={[
          ['Hash', record.hash],
          ['Previous hash', record.previous],
        ]}
      />
      <CopyText text={JSON.stringify(record, undefined, 2)} title="Copy as JSON" />
    </>
  )
}

function Facts({ facts }: { readonly facts: readonly (readonly [string, string])[] }) {
  return (
    <dl className={classes.facts}>
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  )
}
