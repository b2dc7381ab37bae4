import { IconGitCommit } from '@tabler/icons-react'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { useSession, workspacesWith } from '../api/session.ts'
import { LoadOlder } from '../controls/load-older.tsx'
import { Page, PageHeader } from '../layout/page.tsx'
import { ErrorState, NoAccess } from '../notices/error-state.tsx'
import { Notice } from '../notices/notice.tsx'
import { ListSkeleton } from '../notices/skeletons.tsx'
import { useNow } from '../view/use-now.ts'
import { usePageView } from '../view/use-page-view.ts'
import { revisionsQuery, type RevisionRow } from './changes-queries.ts'
import { DriftBanner } from './drift-banner.tsx'
import { RevisionDrawer } from './revision-drawer.tsx'
import { RevisionTable } from './revision-table.tsx'

/** The revisions of the configuration, with rollback and drift. */
export function ChangesPage() {
  const { workspace: selected } = usePageView()
  const readable = workspacesWith(useSession(), 'config/revisions').map(({ name }) => name)
  if (selected === undefined && readable.length === 0)
    return (
      <Page>
        <PageHeader title="Changes" />
        <NoAccess what="changes" />
      </Page>
    )
  const workspaces = selected === undefined ? readable : [selected]
  return (
    <Changes key={workspaces.join('/')} workspaces={workspaces} isAcross={workspaces.length > 1} />
  )
}

type ChangesProps = { readonly workspaces: readonly string[]; readonly isAcross: boolean }

function Changes({ workspaces, isAcross }: ChangesProps) {
  // Without a workspace in its path the Admin API lists every workspace, but asks for rights in the default one.
  const sources = isAcross && workspaces.includes('default') ? [undefined] : workspaces
  const revisions = useRevisions(sources)
  const [open, setOpen] = useState<RevisionRow>()
  const current = revisions.data?.pages[0]?.current ?? 0

  return (
    <Page>
      <PageHeader
        title="Changes"
        about={`${isAcross ? 'All workspaces' : workspaces.join('')} · Revisions of the configuration. Compare them or roll back.`}
      />
      {workspaces.map((name) => (
        <DriftBanner key={name} workspace={name} />
      ))}
      <Revisions
        list={revisions}
        open={open}
        onOpen={setOpen}
        showsWorkspace={sources.length > 1}
      />
      <LoadOlder list={revisions} what="revisions" />
      <RevisionDrawer
        workspace={open?.workspace}
        number={open?.line.number}
        current={current}
        onClose={() => setOpen(undefined)}
      />
    </Page>
  )
}

type RevisionsProps = {
  readonly list: ReturnType<typeof useRevisions>
  readonly open: RevisionRow | undefined
  readonly onOpen: (row: RevisionRow) => void
  readonly showsWorkspace: boolean
}

const useRevisions = (workspaces: readonly (string | undefined)[]) =>
  useInfiniteQuery(revisionsQuery(workspaces))

function Revisions({ list, open, onOpen, showsWorkspace }: RevisionsProps) {
  const now = useNow(30_000)
  const rows = list.data?.pages.flatMap((page) => page.rows) ?? []
  const current = list.data?.pages[0]?.current ?? 0
  if (list.isPending) return <ListSkeleton />
  if (list.error !== null && rows.length === 0)
    return <ErrorState error={list.error} what="changes" onRetry={() => void list.refetch()} />
  if (rows.length === 0)
    return (
      <Notice icon={<IconGitCommit size={28} stroke={1.5} />} title="No changes yet">
        Every change made by the Admin API, decK or <code>weir config sync</code> creates a
        revision.
      </Notice>
    )
  return <RevisionTable {...{ rows, current, now, open, onOpen, showsWorkspace }} />
}
