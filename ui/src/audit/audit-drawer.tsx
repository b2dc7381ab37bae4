import { Drawer, Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { ChainedRecord } from '../../../src/schema/audit-record.ts'
import { CopyText } from '../parts/copy-text.tsx'
import { formatDate } from '../parts/format.ts'
import { Refusal } from '../parts/refusal.tsx'
import { StatusBadge } from '../parts/status-badge.tsx'
import classes from './audit-drawer.module.css'
import { auditRecordQuery } from './audit-queries.ts'
import { deedOf } from './deed-of.ts'
import { Differences } from './differences.tsx'

/** What an AuditDrawer shows. */
type AuditDrawerProps = {
  readonly sequence: number | undefined
  readonly onClose: () => void
}

/** One record of the log, beside the page: who, from where, why it was allowed, what changed, and its link in the chain. */
export function AuditDrawer({ sequence, onClose }: AuditDrawerProps) {
  return (
    <Drawer
      opened={sequence !== undefined}
      onClose={onClose}
      position="right"
      size={560}
      title={sequence === undefined ? 'Record' : `Record ${sequence}`}
      overlayProps={{ backgroundOpacity: 0.12 }}
      transitionProps={{ duration: 120 }}
      classNames={{
        content: classes.content ?? '',
        header: classes.header ?? '',
        body: classes.inner ?? '',
        title: classes.title ?? '',
      }}
      closeButtonProps={{ 'aria-label': 'Close the record' }}
    >
      {sequence !== undefined && <Found sequence={sequence} />}
    </Drawer>
  )
}

function Found({ sequence }: { readonly sequence: number }) {
  const { data, error, refetch } = useQuery(auditRecordQuery(sequence))
  if (error !== null)
    return <Refusal error={error} what="this record" onRetry={() => void refetch()} />
  if (data === undefined)
    return [120, 200, 80].map((height) => <Skeleton key={height} height={height} mb="md" />)
  return <Told record={data} />
}

function Told({ record }: { readonly record: ChainedRecord }) {
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
        <StatusBadge status={record.status} /> {deedOf(record)} <code>{record.path}</code>
      </p>
      <p className={classes.because} data-denied={!record.allowed || undefined}>
        {record.because}
      </p>
      <Facts facts={facts} />
      <Differences before={record.before} after={record.after} />
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
