import { IconHistory } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { ListLoading } from '../parts/list-loading.tsx'
import { LoadOlder } from '../parts/load-older.tsx'
import { Notice } from '../parts/notice.tsx'
import { PageHead } from '../parts/page-head.tsx'
import { Page } from '../parts/page.tsx'
import { Refusal } from '../parts/refusal.tsx'
import { useNow } from '../view/use-now.ts'
import { usePageView } from '../view/use-page-view.ts'
import { AuditDrawer } from './audit-drawer.tsx'
import { AuditFilters } from './audit-filters.tsx'
import { auditQuery } from './audit-queries.ts'
import { AuditTable } from './audit-table.tsx'
import { ChainState } from './chain-state.tsx'

/** Who did what, and was refused what: the audit log with what each change changed. */
export function AuditPage() {
  const view = usePageView()
  const { workspace, filters } = view
  const log = useInfiniteQuery(auditQuery(workspace, filters))
  const [open, setOpen] = useState<number>()
  const now = useNow(30_000)
  const lines = log.data?.pages.flatMap(({ data }) => data) ?? []

  return (
    <Page>
      <PageHead
        title="Audit"
        about="Every change, refusal and sign-in, in a chain that nobody can rewrite unnoticed."
      >
        <ChainState />
      </PageHead>
      <AuditFilters view={view} />
      {log.isPending ? (
        <ListLoading />
      ) : log.error !== null && lines.length === 0 ? (
        <Refusal error={log.error} what="the audit log" onRetry={() => void log.refetch()} />
      ) : lines.length === 0 ? (
        <Notice icon={<IconHistory size={28} stroke={1.5} />} title="Nothing of the kind happened">
          No record of the log is as the filters say.
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
