import { IconHistory } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { LoadOlder } from '../controls/load-older.tsx'
import { Page, PageHeader } from '../layout/page.tsx'
import { ErrorState } from '../notices/error-state.tsx'
import { Notice } from '../notices/notice.tsx'
import { ListSkeleton } from '../notices/skeletons.tsx'
import { useNow } from '../view/use-now.ts'
import { usePageView } from '../view/use-page-view.ts'
import { AuditDrawer } from './audit-drawer.tsx'
import { AuditFilters } from './audit-filters.tsx'
import { auditQuery } from './audit-queries.ts'
import { AuditTable } from './audit-table.tsx'
import { ChainState } from './chain-state.tsx'

/** The audit log: changes, denials and sign-ins. */
export function AuditPage() {
  const view = usePageView()
  const { workspace, filters } = view
  const log = useInfiniteQuery(auditQuery(workspace, filters))
  const [open, setOpen] = useState<number>()
  const now = useNow(30_000)
  const lines = log.data?.pages.flatMap(({ data }) => data) ?? []

  return (
    <Page>
      <PageHeader title="Audit" about="Every change, denial and sign-in, in a tamper-evident log.">
        <ChainState />
      </PageHeader>
      <AuditFilters view={view} />
      {log.isPending ? (
        <ListSkeleton />
      ) : log.error !== null && lines.length === 0 ? (
        <ErrorState error={log.error} what="the audit log" onRetry={() => void log.refetch()} />
      ) : lines.length === 0 ? (
        <Notice icon={<IconHistory size={28} stroke={1.5} />} title="No matching records">
          No audit records match these filters.
        </Notice>
      ) : (
        <AuditTable
          lines={lines}
          now={now}
          showsWorkspace={workspace === undefined}
          open={open}
          onOpen={setOpen}
        />
      )}
      <LoadOlder list={log} what="records" />
      <AuditDrawer sequence={open} onClose={() => setOpen(undefined)} />
    </Page>
  )
}
