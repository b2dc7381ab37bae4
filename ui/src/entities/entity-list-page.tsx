import { Code, Loader, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { IconSearch } from '@tabler/icons-react'
import { useParams } from '@tanstack/react-router'
import type { OnChangeFn, SortingState } from '@tanstack/react-table'
import { useCallback, useMemo, useState } from 'react'
import type { Session } from '../../../src/schema/session.ts'
import type { Sort } from '../api/entities.ts'
import { useSession, workspacesWith } from '../api/session.ts'
import { Page, PageHeader } from '../layout/page.tsx'
import { ErrorState, NoAccess } from '../notices/error-state.tsx'
import { NotFound } from '../notices/not-found.tsx'
import { Notice } from '../notices/notice.tsx'
import { ListSkeleton } from '../notices/skeletons.tsx'
import { usePageView } from '../view/use-page-view.ts'
import { type EntityColumn, entityColumns, entityTags, sortField } from './entity-columns.tsx'
import classes from './entity-list-page.module.css'
import { EntityTable } from './entity-table.tsx'
import { findKind, type Kind } from './kinds.ts'
import { completely, useEntities, useNames } from './use-entities.ts'

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
    // oxlint-disable-next-line react/exhaustive-deps -- the list is new on every render, its names are not
    [workspace, readable.join('/')],
  )
  return (
    <Page>
      {workspaces.length === 0 ? (
        <NoAccess what={kind.title.toLowerCase()} />
      ) : (
        <Entities kind={kind} workspaces={workspaces} />
      )}
    </Page>
  )
}

/** The workspaces to list; when the kind may be read in none, all, so that the API explains the denial. */
function readableIn(session: Session, plural: string): string[] {
  const readable = workspacesWith(session, plural)
  return (readable.length > 0 ? readable : session.workspaces).map(({ name }) => name)
}

type EntitiesProps = { readonly kind: Kind; readonly workspaces: readonly string[] }

/** Milliseconds without a key press after which a search is requested. */
const searchDelay = 200

function Entities({ kind, workspaces }: EntitiesProps) {
  const [typed, setTyped] = useState('')
  const [search] = useDebouncedValue(typed.trim(), searchDelay)
  const [sorting, setSorting] = useState<SortingState>([])
  const sort = requestedSort(kind, workspaces, sorting)
  // The Admin API sorts by some fields and within one workspace; to sort otherwise needs every row.
  const needsAll = sorting.length > 0 && sort === undefined
  const list = useEntities(workspaces, kind.plural, {
    search,
    sort,
    ...(needsAll ? completely : {}),
  })
  const names = useNames(workspaces, list.rows)
  const hasTags = list.rows.some(({ entity }) => entityTags(entity).length > 0)
  const columns = entityColumns(kind, names, workspaces.length > 1).filter(
    ({ id }) => id !== 'tags' || hasTags,
  )
  const isSearching = list.isPlaceholderData || (needsAll && list.hasNextPage)
  if (list.error !== null && list.rows.length === 0)
    return (
      <ErrorState
        error={list.error}
        what={`${kind.title.toLowerCase()} in ${workspaces.join(', ')}`}
        onRetry={() => void list.refetch()}
      />
    )
  return (
    <>
      <PageHeader title={kind.title} about={kind.about}>
        <TextInput
          size="xs"
          w={230}
          aria-label={`Search ${kind.title.toLowerCase()}`}
          placeholder={`Search ${kind.title.toLowerCase()}`}
          leftSection={<IconSearch size={14} stroke={1.8} />}
          value={typed}
          maxLength={256}
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
      </PageHeader>
      <ListContent
        {...{ kind, workspaces, list, columns, search, sorting }}
        isSorted={sort !== undefined}
        onSortingChange={setSorting}
      />
      {list.rows.length > 0 && (
        <output className={classes.footer}>
          {countLabel(kind, {
            count: list.rows.length,
            isSearch: search !== '',
            isPartial: list.hasNextPage,
          })}
          {isSearching && <Loader size={12} />}
        </output>
      )}
    </>
  )
}

/** Sort order for the Admin API; undefined when it does not support it, or none is selected. */
function requestedSort(
  kind: Kind,
  workspaces: readonly string[],
  [column]: SortingState,
): Sort | undefined {
  const by = column === undefined ? undefined : sortField(kind, column.id)
  if (by === undefined || workspaces.length > 1) return undefined
  return { by, isDescending: column?.desc === true }
}

type ListContentProps = EntitiesProps & {
  readonly list: ReturnType<typeof useEntities>
  readonly columns: readonly EntityColumn[]
  readonly search: string
  readonly sorting: SortingState
  readonly isSorted: boolean
  readonly onSortingChange: OnChangeFn<SortingState>
}

function ListContent(props: ListContentProps) {
  const { kind, workspaces, list, columns, search, sorting, isSorted, onSortingChange } = props
  const { rows, hasNextPage, isFetching, fetchNextPage } = list
  const loadMore = useCallback(() => {
    if (hasNextPage && !isFetching) void fetchNextPage()
  }, [hasNextPage, isFetching, fetchNextPage])
  if (list.isPending || (list.isPlaceholderData && rows.length === 0)) return <ListSkeleton />
  if (rows.length > 0)
    return (
      <EntityTable {...{ rows, columns, sorting, isSorted, onSortingChange }} onEnd={loadMore} />
    )
  if (search === '') return <EmptyList kind={kind} workspace={workspaces[0] ?? ''} />
  return (
    <Notice icon={<IconSearch size={26} stroke={1.5} />} title="No results">
      No {kind.title.toLowerCase()} match “{search}”.
    </Notice>
  )
}

/** `12 matching routes`, with a note while not all are loaded. */
function countLabel(
  kind: Kind,
  { count, isSearch, isPartial }: { count: number; isSearch: boolean; isPartial: boolean },
): string {
  const noun = (count === 1 ? kind.singular : kind.title).toLowerCase()
  const label = `${count.toLocaleString('en-US')} ${isSearch ? 'matching ' : ''}${noun}`
  return isPartial ? `${label} loaded, more available` : label
}

type EmptyListProps = { readonly kind: Kind; readonly workspace: string }

/** Replaces an empty list, with a command that creates the first entity. */
function EmptyList({ kind, workspace }: EmptyListProps) {
  const Glyph = kind.icon
  return (
    <Notice icon={<Glyph size={28} stroke={1.5} />} title={`No ${kind.title.toLowerCase()} yet`}>
      <p>{kind.emptyText}</p>
      <Code block mt="sm" ta="left" style={{ whiteSpace: 'pre-wrap' }}>
        {`curl -H "Kong-Admin-Token: $TOKEN" \\\n  http://127.0.0.1:8001/${workspace}${kind.example.replaceAll(/ (?=-[dF])/g, ' \\\n  ')}`}
      </Code>
    </Notice>
  )
}
