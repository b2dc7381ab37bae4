import type { EntityRecord } from '../api/entities.ts'
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
  if (lists.length === 0) return null
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
  title: 'Groups',
  none: 'In no group; an acl plugin that allows groups will refuse it.',
  show: (entity) => String(entity['group']),
}
const keys: Relation = {
  path: 'key-auth',
  title: 'API keys',
  none: 'No key, so key-auth cannot know this consumer.',
  show: (entity) => <Credential entity={entity} />,
}

const relations: Readonly<Record<Kind['plural'], readonly Relation[]>> = {
  services: [routes, plugins],
  routes: [plugins],
  consumers: [keys, groups, plugins],
  plugins: [],
}
