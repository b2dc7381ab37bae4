import { Button, TextInput } from '@mantine/core'
import { IconSearch } from '@tabler/icons-react'
import { useParams } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import type { Session } from '../../../src/schema/session.ts'
import { useSession, workspacesWith } from '../api/session.ts'
import { NotFound } from '../parts/not-found.tsx'
import { ListLoading } from '../parts/list-loading.tsx'
import { Notice } from '../parts/notice.tsx'
import { PageHead } from '../parts/page-head.tsx'
import { Page } from '../parts/page.tsx'
import { Refusal } from '../parts/refusal.tsx'
import { usePageView } from '../view/use-page-view.ts'
import { EmptyList } from './empty-list.tsx'
import { entityColumns, tagsOf } from './entity-columns.tsx'
import classes from './entity-list-page.module.css'
import { EntityTable } from './entity-table.tsx'
import { kindOf, type Kind } from './kinds.ts'
import { NoAccess } from './no-access.tsx'
import { searchRows } from './search-rows.ts'
import { useEntities } from './use-entities.ts'
import { useNames } from './use-names.ts'

/** The list of one kind of entity. */
export function EntityListPage() {
  const { plural = '' } = useParams({ strict: false })
  const kind = kindOf(plural)
  return kind === undefined ? <NotFound /> : <EntityList key={plural} kind={kind} />
}

function EntityList({ kind }: { readonly kind: Kind }) {
  const session = useSession()
  const { workspace } = usePageView()
  const readable = readableIn(session, kind.plural)
  const workspaces = useMemo(
    () => (workspace === undefined ? readable : [workspace]),
    // oxlint-disable-next-line react/exhaustive-deps -- the list is new at every render, its words are not
    [workspace, readable.join('/')],
  )
  return (
    <Page>
      {workspaces.length === 0 ? (
        <NoAccess what={kind.plural} />
      ) : (
        <Listed kind={kind} workspaces={workspaces} />
      )}
    </Page>
  )
}

/** The workspaces to ask; when the kind may be read in none, the others are asked so that they say why. */
function readableIn(session: Session, plural: string): string[] {
  const readable = workspacesWith(session, plural)
  return (readable.length > 0 ? readable : session.workspaces).map(({ name }) => name)
}

type ListedProps = { readonly kind: Kind; readonly workspaces: readonly string[] }

function Listed({ kind, workspaces }: ListedProps) {
  const [typed, setTyped] = useState('')
  const [isSorted, setSorted] = useState(false)
  const names = useNames(workspaces, {
    services: kind.plural === 'routes' || kind.plural === 'plugins',
    routes: kind.plural === 'plugins',
    consumers: kind.plural === 'plugins',
    consumer_groups: kind.plural === 'plugins',
    'key-sets': kind.plural === 'keys',
  })
  // Sorting and searching mean all of them, so then every page is loaded.
  const list = useEntities(workspaces, kind.plural, typed !== '' || isSorted)
  const hasTags = list.rows.some(({ entity }) => tagsOf(entity).length > 0)
  const columns = entityColumns(kind, names, workspaces.length > 1).filter(
    ({ id }) => id !== 'tags' || hasTags,
  )
  const found = searchRows(list.rows, columns, typed)

  if (list.error !== null && list.rows.length === 0)
    return (
      <Refusal
        error={list.error}
        what={`${kind.plural} of ${workspaces.join(', ')}`}
        onRetry={() => void list.refetch()}
      />
    )
  return (
    <>
      <PageHead title={kind.title} about={kind.about}>
        <TextInput
          size="xs"
          w={230}
          aria-label={`Search ${kind.plural}`}
          placeholder={`Search ${kind.plural}`}
          leftSection={<IconSearch size={14} stroke={1.8} />}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
      </PageHead>
      {list.isPending ? (
        <ListLoading />
      ) : list.rows.length === 0 ? (
        <EmptyList kind={kind} workspace={workspaces[0] ?? ''} />
      ) : found.length === 0 ? (
        <Notice icon={<IconSearch size={26} stroke={1.5} />} title="Nothing found">
          No {kind.singular} has “{typed}” in what this list shows.
        </Notice>
      ) : (
        <EntityTable rows={found} columns={columns} onSort={() => setSorted(true)} />
      )}
      <ListFoot kind={kind} list={list} found={found.length} />
    </>
  )
}

type ListFootProps = {
  readonly kind: Kind
  readonly list: ReturnType<typeof useEntities>
  readonly found: number
}

function ListFoot({ kind, list, found }: ListFootProps) {
  const { rows, hasNextPage, isFetchingNextPage, fetchNextPage } = list
  if (rows.length === 0) return null
  return (
    <footer className={classes.foot}>
      <span>
        {found === rows.length ? '' : `${found} of `}
        {rows.length} {rows.length === 1 ? kind.singular : kind.plural}
        {hasNextPage ? ' loaded, there are more' : ''}
      </span>
      {hasNextPage && (
        <Button
          size="compact-xs"
          variant="default"
          loading={isFetchingNextPage}
          onClick={() => void fetchNextPage()}
        >
          Load more
        </Button>
      )}
    </footer>
  )
}
