import { Code, Loader, TextInput } from '@mantine/core'
import { IconSearch } from '@tabler/icons-react'
import { useParams } from '@tanstack/react-router'
import { useCallback, useDeferredValue, useMemo, useState } from 'react'
import type { Session } from '../../../src/schema/session.ts'
import type { EntityRow } from '../api/entities.ts'
import { useSession, workspacesWith } from '../api/session.ts'
import { Page, PageHeader } from '../layout/page.tsx'
import { ErrorState, NoAccess } from '../notices/error-state.tsx'
import { NotFound } from '../notices/not-found.tsx'
import { Notice } from '../notices/notice.tsx'
import { ListSkeleton } from '../notices/skeletons.tsx'
import { usePageView } from '../view/use-page-view.ts'
import { type EntityColumn, entityColumns, entityTags } from './entity-columns.tsx'
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

function Entities({ kind, workspaces }: EntitiesProps) {
  const [typed, setTyped] = useState('')
  const search = useDeferredValue(typed)
  const [isSorted, setSorted] = useState(false)
  // The Admin API neither sorts nor searches, so both need every page.
  const needsAll = search !== '' || isSorted
  const list = useEntities(workspaces, kind.plural, needsAll ? completely : {})
  const names = useNames(workspaces, list.rows)
  const hasTags = list.rows.some(({ entity }) => entityTags(entity).length > 0)
  const columns = entityColumns(kind, names, workspaces.length > 1).filter(
    ({ id }) => id !== 'tags' || hasTags,
  )
  const found = searchRows(list.rows, columns, search)
  const isLoadingAll = needsAll && list.hasNextPage
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
          onChange={(event) => setTyped(event.currentTarget.value)}
        />
      </PageHeader>
      <ListContent
        {...{ kind, workspaces, list, found, columns, search, isLoadingAll }}
        onSort={() => setSorted(true)}
      />
      {list.rows.length > 0 && (
        <output className={classes.footer}>
          {countLabel(kind, {
            found: found.length,
            loaded: list.rows.length,
            isPartial: list.hasNextPage,
          })}
          {isLoadingAll && <Loader size={12} />}
        </output>
      )}
    </>
  )
}

type ListContentProps = EntitiesProps & {
  readonly list: ReturnType<typeof useEntities>
  readonly found: readonly EntityRow[]
  readonly columns: readonly EntityColumn[]
  readonly search: string
  readonly isLoadingAll: boolean
  readonly onSort: () => void
}

function ListContent(props: ListContentProps) {
  const { kind, workspaces, list, found, columns, search, isLoadingAll, onSort } = props
  const { hasNextPage, isFetching, fetchNextPage } = list
  const loadMore = useCallback(() => {
    if (hasNextPage && !isFetching) void fetchNextPage()
  }, [hasNextPage, isFetching, fetchNextPage])
  if (list.isPending) return <ListSkeleton />
  if (list.rows.length === 0) return <EmptyList kind={kind} workspace={workspaces[0] ?? ''} />
  if (found.length > 0)
    return <EntityTable rows={found} columns={columns} onSort={onSort} onEnd={loadMore} />
  if (isLoadingAll) return <ListSkeleton />
  return (
    <Notice icon={<IconSearch size={26} stroke={1.5} />} title="No results">
      No {kind.title.toLowerCase()} match “{search}”.
    </Notice>
  )
}

/** `12 of 3,100 routes`, with a note while not all are loaded. */
function countLabel(
  kind: Kind,
  { found, loaded, isPartial }: { found: number; loaded: number; isPartial: boolean },
): string {
  const noun = (loaded === 1 ? kind.singular : kind.title).toLowerCase()
  const count = `${loaded.toLocaleString('en-US')} ${noun}`
  const matched = found === loaded ? count : `${found.toLocaleString('en-US')} of ${count}`
  return isPartial ? `${matched} loaded, more available` : matched
}

/** The rows whose columns or ID contain every word. */
function searchRows(
  rows: readonly EntityRow[],
  columns: readonly { readonly key: (row: EntityRow) => string | number }[],
  typed: string,
): readonly EntityRow[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return rows
  return rows.filter((row) => {
    const content = [...columns.map(({ key }) => key(row)), row.entity.id].join(' ').toLowerCase()
    return words.every((word) => content.includes(word))
  })
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
