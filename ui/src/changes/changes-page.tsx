import { IconGitCommit } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useSession, workspacesWith } from '../api/session.ts'
import { LoadOlder } from '../controls/load-older.tsx'
import { Page, PageHeader } from '../layout/page.tsx'
import { ErrorState } from '../notices/error-state.tsx'
import { Notice } from '../notices/notice.tsx'
import { ListSkeleton } from '../notices/skeletons.tsx'
import { useNow } from '../view/use-now.ts'
import { usePageView } from '../view/use-page-view.ts'
import { revisionsQuery } from './changes-queries.ts'
import { DriftBanner } from './drift-banner.tsx'
import { RevisionDrawer } from './revision-drawer.tsx'
import { RevisionTable } from './revision-table.tsx'

/** Every revision of the configuration: who made it, why, what it changed, and the way back. */
export function ChangesPage() {
  const { workspace: chosen } = usePageView()
  const readable = workspacesWith(useSession(), 'config/revisions').map(({ name }) => name)
  // Without a workspace in the path the Admin API asks for rights in the default one.
  const workspace = chosen ?? (readable.includes('default') ? undefined : readable[0])
  const revisions = useRevisions(workspace)
  const [open, setOpen] = useState<number>()
  const current = revisions.data?.pages[0]?.current ?? 0

  return (
    <Page>
      <PageHeader
        title="Changes"
        about="Every revision of the configuration: who made it, why, what it changed, and the way back."
      />
      {(workspace === undefined ? readable : [workspace]).map((name) => (
        <DriftBanner key={name} workspace={name} />
      ))}
      <Revisions found={revisions} open={open} onOpen={setOpen} />
      <LoadOlder list={revisions} what="revisions" />
      <RevisionDrawer
        workspace={workspace}
        number={open}
        current={current}
        onClose={() => setOpen(undefined)}
      />
    </Page>
  )
}

type RevisionsProps = {
  readonly found: ReturnType<typeof useRevisions>
  readonly open: number | undefined
  readonly onOpen: (number: number) => void
}

const useRevisions = (workspace: string | undefined) => useInfiniteQuery(revisionsQuery(workspace))

function Revisions({ found, open, onOpen }: RevisionsProps) {
  const now = useNow(30_000)
  const lines = found.data?.pages.flatMap(({ data }) => data) ?? []
  const current = found.data?.pages[0]?.current ?? 0
  if (found.isPending) return <ListSkeleton />
  if (found.error !== null && lines.length === 0)
    return (
      <ErrorState error={found.error} what="the history" onRetry={() => void found.refetch()} />
    )
  if (lines.length === 0)
    return (
      <Notice icon={<IconGitCommit size={28} stroke={1.5} />} title="Nothing was changed yet">
        Revisions appear here with whatever changes the configuration: the Admin API, decK, or{' '}
        <code>weir config sync</code>.
      </Notice>
    )
  return <RevisionTable {...{ revisions: lines, current, now, open, onOpen }} />
}
