import { text, type EntityRecord } from '../api/entities.ts'
import classes from './related.module.css'
import type { Kind } from './kinds.ts'
import { Credential } from './credential.tsx'
import { RelatedList } from './related-list.tsx'

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
