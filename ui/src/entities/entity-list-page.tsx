import { Button, Code, TextInput } from '@mantine/core'
import { IconSearch } from '@tabler/icons-react'
import { useParams } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import type { Session } from '../../../src/schema/session.ts'
import type { EntityRow } from '../api/entities.ts'
import { useSession, workspacesWith } from '../api/session.ts'
import { Page, PageHeader } from '../layout/page.tsx'
import { ErrorState, NoAccess } from '../notices/error-state.tsx'
import { NotFound } from '../notices/not-found.tsx'
import { Notice } from '../notices/notice.tsx'
import { ListSkeleton } from '../notices/skeletons.tsx'
import { usePageView } from '../view/use-page-view.ts'
import { entityColumns, entityTags } from './entity-columns.tsx'
import classes from './entity-list-page.module.css'
import { EntityTable } from './entity-table.tsx'
import { findKind, type Kind } from './kinds.ts'
import { useEntities, useNames } from './use-entities.ts'

/** The list of one kind of entity. */
export function EntityListPage() {
  const { plural = '' } = useParams({ strict: false })
  const kind = findKind(plural)
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
  const hasTags = list.rows.some(({ entity }) => entityTags(entity).length > 0)
  const columns = entityColumns(kind, names, workspaces.length > 1).filter(
    ({ id }) => id !== 'tags' || hasTags,
  )
  const found = searchRows(list.rows, columns, typed)

  if (list.error !== null && list.rows.length === 0)
    return (
      <ErrorState
        error={list.error}
        what={`${kind.plural} of ${workspaces.join(', ')}`}
        onRetry={() => void list.refetch()}
      />
    )
  return (
    <>
      <PageHeader title={kind.title} about={kind.about}>
        <TextInput
          size="xs"
          w={230}
          aria-label={`Search ${kind.plural}`}
          placeholder={`Search ${kind.plural}`}
          leftSection={<IconSearch size={14} stroke={1.8} />}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
      </PageHeader>
      {list.isPending ? (
        <ListSkeleton />
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

/** The rows in whose columns, or whose id, every typed word is found. */
function searchRows(
  rows: readonly EntityRow[],
  columns: readonly { readonly key: (row: EntityRow) => string | number }[],
  typed: string,
): readonly EntityRow[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return rows
  return rows.filter((row) => {
    const said = [...columns.map(({ key }) => key(row)), row.entity.id].join(' ').toLowerCase()
    return words.every((word) => said.includes(word))
  })
}

/** What an EmptyList teaches. */
type EmptyListProps = { readonly kind: Kind; readonly workspace: string }

/** In the place of a list that is empty: what such a thing is for, and how to make the first. */
function EmptyList({ kind, workspace }: EmptyListProps) {
  const Glyph = kind.icon
  return (
    <Notice icon={<Glyph size={28} stroke={1.5} />} title={`No ${kind.plural} yet`}>
      <p>{kind.teach}</p>
      <Code block mt="sm" ta="left" style={{ whiteSpace: 'pre-wrap' }}>
        {`curl -H "Kong-Admin-Token: $TOKEN" \\\n  http://127.0.0.1:8001/${workspace}${kind.example.replaceAll(/ (?=-[dF])/g, ' \\\n  ')}`}
      </Code>
    </Notice>
  )
}
