import { Button, Skeleton } from '@mantine/core'
import type { ReactNode } from 'react'
import { ApiError } from '../api/api-error.ts'
import { labelOf, type EntityRecord } from '../api/entities.ts'
import { Panel } from '../parts/panel.tsx'
import { Chips } from './chips.tsx'
import { EntityLink } from './entity-link.tsx'
import { kindOf, titleOf, type Kind } from './kinds.ts'
import { matchersOf } from './matchers-of.ts'
import classes from './related-list.module.css'
import { State } from './state.tsx'
import { useEntities } from './use-entities.ts'

/** What a RelatedList shows. */
type RelatedListProps = {
  readonly workspace: string
  readonly path: string
  readonly title: string
  readonly none: string
  readonly plural?: Kind['plural']
  readonly show?: (entity: EntityRecord) => ReactNode
  /** True for what is worth no words when there is none. */
  readonly isRare?: boolean
}

/** The entities of a nested collection. */
export function RelatedList(props: RelatedListProps) {
  const { workspace, path, title, none, plural, show, isRare = false } = props
  const list = useEntities([workspace], path, false)
  if (isRare && list.error === null && list.rows.length === 0) return null
  return (
    <Panel title={title} hint={list.rows.length > 0 ? String(list.rows.length) : ''} flush>
      {list.isPending && <Skeleton height={18} m={14} w="auto" />}
      {list.error !== null && <p className={classes.words}>{sentencesOf(list.error)}</p>}
      {list.isSuccess && list.rows.length === 0 && <p className={classes.words}>{none}</p>}
      <ul className={classes.list}>
        {list.rows.map(({ entity }) => (
          <li key={entity.id}>
            {show?.(entity) ??
              (plural !== undefined && (
                <Linked plural={plural} workspace={workspace} entity={entity} />
              ))}
          </li>
        ))}
      </ul>
      {list.hasNextPage && (
        <Button
          m={10}
          size="compact-xs"
          variant="default"
          loading={list.isFetchingNextPage}
          onClick={() => void list.fetchNextPage()}
        >
          Load more
        </Button>
      )}
    </Panel>
  )
}

type LinkedProps = {
  readonly plural: Kind['plural']
  readonly workspace: string
  readonly entity: EntityRecord
}

function Linked({ plural, workspace, entity }: LinkedProps) {
  const kind = kindOf(plural)
  return (
    <>
      <EntityLink plural={plural} workspace={workspace} id={entity.id} strong>
        {kind === undefined ? labelOf(entity) : titleOf(kind, entity)}
      </EntityLink>
      {plural === 'routes' ? <Chips values={matchersOf(entity)} mono /> : <State entity={entity} />}
    </>
  )
}

const sentencesOf = (error: Error): string =>
  error instanceof ApiError ? [error.message, ...error.because].join(' — ') : error.message
