import { ActionIcon, Button, Skeleton, Tooltip } from '@mantine/core'
import { IconEye, IconEyeOff } from '@tabler/icons-react'
import { type ReactNode, useState } from 'react'
import { ApiError } from '../api/api-error.ts'
import { entityLabel, type EntityRecord, text } from '../api/entities.ts'
import { CopyText } from '../controls/copy-text.tsx'
import { Panel } from '../layout/panel.tsx'
import { Chips } from './chips.tsx'
import { EnabledBadge } from './enabled-badge.tsx'
import { routeMatchers } from './entity-labels.ts'
import { EntityLink } from './entity-link.tsx'
import { entityTitle, findKind, type Kind } from './kinds.ts'
import classes from './related.module.css'
import { useEntities } from './use-entities.ts'

/** Whose relations are shown. */
type RelatedProps = {
  readonly kind: Kind
  readonly workspace: string
  readonly entity: EntityRecord
}

/** What belongs to an entity: routes and plugins, or groups and credentials. */
export function Related({ kind, workspace, entity }: RelatedProps) {
  const lists = relations[kind.plural]
  if (lists === undefined) return null
  return (
    <div className={classes.related}>
      {lists.map(({ path, ...list }) => (
        <RelatedList
          key={path}
          workspace={workspace}
          path={`${kind.plural}/${entity.id}/${path}`}
          {...list}
        />
      ))}
    </div>
  )
}

/** One list of related entities. */
type Relation = {
  /** Last step of the collection's path. */
  readonly path: string
  readonly title: string
  readonly none: string
  /** Kind whose page an entry leads to. */
  readonly plural?: Kind['plural']
  readonly show?: (entity: EntityRecord) => React.ReactNode
  /** True for what is worth no words when there is none. */
  readonly isRare?: boolean
}

const routes: Relation = {
  path: 'routes',
  title: 'Routes',
  plural: 'routes',
  none: 'No route leads to this service, so no request can reach it.',
}
const plugins: Relation = {
  path: 'plugins',
  title: 'Plugins',
  plural: 'plugins',
  none: 'No plugin is put here; those of the whole workspace still apply.',
}
const groups: Relation = {
  path: 'acls',
  title: 'ACL groups',
  none: 'In no group; an acl plugin that allows groups will refuse it.',
  show: (entity) => String(entity['group']),
}
const keys: Relation = {
  path: 'key-auth',
  title: 'API keys',
  none: 'No key, so key-auth cannot know this consumer.',
  show: (entity) => <Credential entity={entity} />,
}

const targets: Relation = {
  path: 'targets',
  title: 'Targets',
  none: 'No target, so requests for this upstream fail.',
  show: (entity) => (
    <>
      <b>{text(entity, 'target')}</b> <span>weight {text(entity, 'weight')}</span>
    </>
  ),
}
const members: Relation = {
  path: 'consumers',
  title: 'Consumers',
  plural: 'consumers',
  none: 'No consumer is in this group yet.',
}
const memberships: Relation = {
  path: 'consumer_groups',
  title: 'Consumer groups',
  plural: 'consumer_groups',
  none: '',
  isRare: true,
}
const keysOfSet: Relation = {
  path: 'keys',
  title: 'Keys',
  plural: 'keys',
  none: 'No key is in this set yet.',
}

/** Credentials of a kind, by the field that names each; what proves them is not shown. */
const credentials = (path: string, title: string, field: string): Relation => ({
  path,
  title,
  none: '',
  isRare: true,
  show: (entity) => text(entity, field),
})

const relations: Readonly<Partial<Record<Kind['plural'], readonly Relation[]>>> = {
  services: [routes, plugins],
  routes: [plugins],
  upstreams: [targets],
  consumers: [
    keys,
    credentials('basic-auth', 'Names and passwords', 'username'),
    credentials('jwt', 'Token issuers', 'key'),
    credentials('hmac-auth', 'Signing names', 'username'),
    credentials('oauth2', 'OAuth clients', 'name'),
    credentials('mtls-auth', 'Certificate subjects', 'subject_name'),
    groups,
    memberships,
    plugins,
  ],
  consumer_groups: [members, plugins],
  'key-sets': [keysOfSet],
}

/** An API key, hidden until it is asked for. */
function Credential({ entity }: { readonly entity: EntityRecord }) {
  const [isShown, setShown] = useState(false)
  const key = text(entity, 'key')
  const words = isShown ? 'Hide the key' : 'Show the key'
  return (
    <>
      <code className={classes.key}>{isShown ? key : '•'.repeat(20)}</code>
      <span className={classes.actions}>
        <Tooltip label={words}>
          <ActionIcon
            size="sm"
            variant="subtle"
            color="gray"
            aria-label={words}
            onClick={() => setShown(!isShown)}
          >
            {isShown ? <IconEyeOff size={15} stroke={1.7} /> : <IconEye size={15} stroke={1.7} />}
          </ActionIcon>
        </Tooltip>
        <CopyText text={key} title="Copy" />
      </span>
    </>
  )
}

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
function RelatedList(props: RelatedListProps) {
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
  const kind = findKind(plural)
  return (
    <>
      <EntityLink plural={plural} workspace={workspace} id={entity.id} strong>
        {kind === undefined ? entityLabel(entity) : entityTitle(kind, entity)}
      </EntityLink>
      {plural === 'routes' ? (
        <Chips values={routeMatchers(entity)} mono />
      ) : (
        <EnabledBadge entity={entity} />
      )}
    </>
  )
}

const sentencesOf = (error: Error): string =>
  error instanceof ApiError ? [error.message, ...error.because].join(' — ') : error.message
