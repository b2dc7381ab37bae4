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

/** What an AuditDrawer shows. */
type AuditDrawerProps = {
  readonly sequence: number | undefined
  readonly onClose: () => void
}

/** One record of the log, beside the page: who, from where, why it was allowed, what changed, and its link in the chain. */
export function AuditDrawer({ sequence, onClose }: AuditDrawerProps) {
  return (
    <SideDrawer
      isOpen={sequence !== undefined}
      onClose={onClose}
      title={sequence === undefined ? 'Record' : `Record ${sequence}`}
      what="the record"
    >
      {sequence !== undefined && <Found sequence={sequence} />}
    </SideDrawer>
  )
}

function Found({ sequence }: { readonly sequence: number }) {
  const { data, error, refetch } = useQuery(auditRecordQuery(sequence))
  if (error !== null)
    return <ErrorState error={error} what="this record" onRetry={() => void refetch()} />
  if (data === undefined)
    return [120, 200, 80].map((height) => <Skeleton key={height} height={height} mb="md" />)
  return <LiveResult record={data} />
}

function LiveResult({ record }: { readonly record: ChainedRecord }) {
  const facts: readonly (readonly [string, string])[] = [
    ['Who', record.principal?.name ?? (record.address === '' ? 'Weir' : 'nobody known')],
    ['When', formatDate(record.time)],
    ['From', record.address || '–'],
    ['Workspace', record.workspace || '–'],
    ['Request', record.requestId || '–'],
    ['Revision', record.revision === null ? 'none was made' : String(record.revision)],
  ]
  return (
    <>
      <p className={classes.deed}>
        <StatusBadge status={record.status} /> {actionLabel(record)} <code>{record.path}</code>
      </p>
      <p className={classes.because} data-denied={!record.allowed || undefined}>
        {record.because}
      </p>
      <Facts facts={facts} />
      <DifferenceList items={diffRecord(record.before, record.after)} />
      <h3 className={classes.heading}>Link in the chain</h3>
      <Facts
        facts={[
          ['Hash', record.hash],
          ['Of the one before', record.previous],
        ]}
      />
      <CopyText text={JSON.stringify(record, undefined, 2)} title="Copy the record" />
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
