import { ActionIcon, Button, Skeleton, Tooltip } from '@mantine/core'
import { IconEye, IconEyeOff } from '@tabler/icons-react'
import { type ReactNode, useState } from 'react'
import { ApiError } from '../api/api-error.ts'
import { entityLabel, type EntityRecord, text } from '../api/entities.ts'
import { CopyText } from '../controls/copy-text.tsx'
import { Panel } from '../layout/panel.tsx'
import { Chips } from './chips.tsx'
import {
  CredentialFactsLine,
  type CredentialFacts,
  useCredentialFacts,
} from './credential-facts.tsx'
import { EnabledBadge } from './enabled-badge.tsx'
import { routeMatchers } from './entity-labels.ts'
import { EntityLink } from './entity-link.tsx'
import { entityTitle, findKind, type Kind } from './kinds.ts'
import classes from './related.module.css'
import { useEntities } from './use-entities.ts'

type RelatedProps = {
  readonly kind: Kind
  readonly workspace: string
  readonly entity: EntityRecord
}

/** The nested collections of an entity, such as the routes and plugins of a service. */
export function Related({ kind, workspace, entity }: RelatedProps) {
  const lists = relations[kind.plural]
  const facts = useCredentialFacts(workspace, entity.id, kind.plural === 'consumers')
  if (lists === undefined) return null
  return (
    <div className={classes.related}>
      {lists.map(({ path, ...list }) => (
        <RelatedList
          key={path}
          facts={facts}
          workspace={workspace}
          path={`${kind.plural}/${entity.id}/${path}`}
          {...list}
        />
      ))}
    </div>
  )
}

type Relation = {
  /** Last segment of the collection's path. */
  readonly path: string
  readonly title: string
  readonly emptyText: string
  /** The kind whose page an entry links to. */
  readonly plural?: Kind['plural']
  readonly render?: (entity: EntityRecord) => React.ReactNode
  /** Whether the empty list is hidden. */
  readonly isOptional?: boolean
}

const routes: Relation = {
  path: 'routes',
  title: 'Routes',
  plural: 'routes',
  emptyText: 'No routes. Requests cannot reach this service.',
}
const plugins: Relation = {
  path: 'plugins',
  title: 'Plugins',
  plural: 'plugins',
  emptyText: 'No plugins. Plugins of the workspace still apply.',
}
const groups: Relation = {
  path: 'acls',
  title: 'ACL groups',
  emptyText: 'No groups. The acl plugin denies this consumer where it allows groups.',
  render: (entity) => String(entity['group']),
}
const keys: Relation = {
  path: 'key-auth',
  title: 'API keys',
  emptyText: 'No keys. key-auth cannot authenticate this consumer.',
  render: (entity) => <Credential entity={entity} />,
}

const targets: Relation = {
  path: 'targets',
  title: 'Targets',
  emptyText: 'No targets. Requests for this upstream fail.',
  render: (entity) => (
    <>
      <b>{text(entity, 'target')}</b> <span>weight {text(entity, 'weight')}</span>
    </>
  ),
}
const members: Relation = {
  path: 'consumers',
  title: 'Consumers',
  plural: 'consumers',
  emptyText: 'No consumers in this group.',
}
const memberships: Relation = {
  path: 'consumer_groups',
  title: 'Consumer groups',
  plural: 'consumer_groups',
  emptyText: '',
  isOptional: true,
}
const keysOfSet: Relation = {
  path: 'keys',
  title: 'Keys',
  plural: 'keys',
  emptyText: 'No keys in this set.',
}

/** Credentials of a kind, by their identifying field; secrets are not shown. */
const credentials = (path: string, title: string, field: string): Relation => ({
  path,
  title,
  emptyText: '',
  isOptional: true,
  render: (entity) => text(entity, field),
})

const relations: Readonly<Partial<Record<Kind['plural'], readonly Relation[]>>> = {
  services: [routes, plugins],
  routes: [plugins],
  upstreams: [targets],
  consumers: [
    keys,
    credentials('basic-auth', 'Basic auth credentials', 'username'),
    credentials('jwt', 'JWT credentials', 'key'),
    credentials('hmac-auth', 'HMAC credentials', 'username'),
    credentials('oauth2', 'OAuth 2.0 clients', 'name'),
    credentials('mtls-auth', 'mTLS subjects', 'subject_name'),
    groups,
    memberships,
    plugins,
  ],
  consumer_groups: [members, plugins],
  'key-sets': [keysOfSet],
}

/** An API key, hidden until revealed. */
function Credential({ entity }: { readonly entity: EntityRecord }) {
  const [isShown, setShown] = useState(false)
  const key = text(entity, 'key')
  const label = isShown ? 'Hide the key' : 'Show the key'
  return (
    <>
      <code className={classes.key}>{isShown ? key : '•'.repeat(20)}</code>
      <span className={classes.actions}>
        <Tooltip label={label}>
          <ActionIcon
            size="sm"
            variant="subtle"
            color="gray"
            aria-label={label}
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

type RelatedListProps = {
  readonly facts: CredentialFacts | undefined
  readonly workspace: string
  readonly path: string
  readonly title: string
  readonly emptyText: string
  readonly plural?: Kind['plural']
  readonly render?: (entity: EntityRecord) => ReactNode
  /** Whether the empty list is hidden. */
  readonly isOptional?: boolean
}

function RelatedList(props: RelatedListProps) {
  const { workspace, path, title, emptyText, plural, render, facts, isOptional = false } = props
  const list = useEntities([workspace], path)
  if (isOptional && list.error === null && list.rows.length === 0) return null
  return (
    <Panel title={title} hint={list.rows.length > 0 ? String(list.rows.length) : ''} flush>
      {list.isPending && <Skeleton height={18} m={14} w="auto" />}
      {list.error !== null && <p className={classes.text}>{errorText(list.error)}</p>}
      {list.isSuccess && list.rows.length === 0 && <p className={classes.text}>{emptyText}</p>}
      <ul className={classes.list}>
        {list.rows.map(({ entity }) => (
          <li key={entity.id}>
            {render?.(entity) ??
              (plural !== undefined && (
                <Linked plural={plural} workspace={workspace} entity={entity} />
              ))}
            <CredentialFactsLine facts={facts} id={entity.id} />
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

const errorText = (error: Error): string =>
  error instanceof ApiError ? [error.message, ...error.because].join(' — ') : error.message
