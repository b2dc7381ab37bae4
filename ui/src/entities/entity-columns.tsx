import { Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { type EntityRecord, type EntityRow, referenceId, text } from '../api/entities.ts'
import { formatAge, absent } from '../format/format.ts'
import { WorkspaceAvatar } from '../shell/workspace-avatar.tsx'
import { Chips } from './chips.tsx'
import { EnabledBadge } from './enabled-badge.tsx'
import { pluginScope, routeMatchers } from './entity-labels.ts'
import { EntityLink } from './entity-link.tsx'
import { entityTitle, type Kind, serverNames } from './kinds.ts'
import type { Names } from './use-entities.ts'

/** A column of a list, with the value to sort by. */
export type EntityColumn = {
  readonly id: string
  readonly title: string
  /** As a CSS grid track. */
  readonly width: string
  readonly key: (row: EntityRow) => string | number
  readonly cell: (row: EntityRow) => ReactNode
}

/** The columns of a kind's list; `isAcross` adds the workspace. */
export function entityColumns(kind: Kind, names: Names, isAcross: boolean): EntityColumn[] {
  const own: Readonly<Record<Kind['plural'], () => EntityColumn[]>> = {
    services: serviceColumns,
    routes: () => routeColumns(names),
    upstreams: () => [textColumn('algorithm', 'Load balancing')],
    consumers: () => [textColumn('custom_id', 'Custom ID')],
    consumer_groups: () => [],
    plugins: () => pluginColumns(names),
    partials: () => [textColumn('type', 'Type')],
    certificates: () => [serverNamesColumn],
    vaults: () => [textColumn('name', 'Kind'), textColumn('description', 'Description')],
    keys: () => [textColumn('kid', 'Key ID'), referenceColumn('set', 'Key set', 'key-sets', names)],
    'key-sets': () => [],
  }
  return [
    nameColumn(kind),
    ...own[kind.plural](),
    ...(isAcross ? [workspaceColumn] : []),
    tagsColumn,
    ageColumn,
  ]
}

const nameColumn = (kind: Kind): EntityColumn => ({
  id: 'name',
  title: 'Name',
  width: 'minmax(150px, 1.2fr)',
  key: ({ entity }) => `${entityTitle(kind, entity)} ${text(entity, 'instance_name')}`,
  cell: ({ workspace, entity }) => (
    <>
      <EntityLink plural={kind.plural} workspace={workspace} id={entity.id} strong>
        {entityTitle(kind, entity)}
      </EntityLink>
      <Text span inherit c="dimmed" ml={8}>
        {text(entity, 'instance_name')}
      </Text>
    </>
  ),
})

/** The field by which the Admin API sorts a column of a kind's list; undefined where it does not. */
export function sortField(kind: Kind, column: string): string | undefined {
  if (column === ageColumn.id) return 'updated_at'
  return column === 'name' ? nameFields[kind.plural] : undefined
}

/** The fields with the titles of entities, where it is one field. */
const nameFields: Readonly<Record<Kind['plural'], string | undefined>> = {
  services: 'name',
  routes: 'name',
  upstreams: 'name',
  consumers: 'username',
  consumer_groups: 'name',
  plugins: 'name',
  partials: 'name',
  certificates: undefined,
  vaults: 'prefix',
  keys: undefined,
  'key-sets': 'name',
}

const serviceColumns = (): EntityColumn[] => [
  {
    id: 'address',
    title: 'Upstream URL',
    width: 'minmax(220px, 2fr)',
    key: ({ entity }) => serviceAddress(entity),
    cell: ({ entity }) => <code>{serviceAddress(entity)}</code>,
  },
  enabledColumn,
]

const routeColumns = (names: Names): EntityColumn[] => [
  {
    id: 'matches',
    title: 'Matches',
    width: 'minmax(220px, 2fr)',
    key: ({ entity }) => routeMatchers(entity).join(' '),
    cell: ({ entity }) => <Chips values={routeMatchers(entity)} mono />,
  },
  referenceColumn('service', 'Service', 'services', names),
]

const textColumn = (field: string, title: string): EntityColumn => ({
  id: field,
  title,
  width: 'minmax(120px, 1fr)',
  key: ({ entity }) => text(entity, field),
  cell: ({ entity }) => text(entity, field) || absent,
})

const referenceColumn = (
  field: string,
  title: string,
  plural: Kind['plural'],
  names: Names,
): EntityColumn => ({
  id: field,
  title,
  width: 'minmax(110px, 1fr)',
  key: ({ entity }) => names(referenceId(entity, field)) ?? '',
  cell: ({ workspace, entity }) => {
    const id = referenceId(entity, field)
    return id === undefined ? (
      absent
    ) : (
      <EntityLink plural={plural} workspace={workspace} id={id}>
        {names(id) ?? id.slice(0, 8)}
      </EntityLink>
    )
  },
})

const serverNamesColumn: EntityColumn = {
  id: 'snis',
  title: 'Server names',
  width: 'minmax(180px, 2fr)',
  key: ({ entity }) => serverNames(entity).join(' '),
  cell: ({ entity }) => <Chips values={serverNames(entity)} mono />,
}

const pluginColumns = (names: Names): EntityColumn[] => [
  {
    id: 'scope',
    title: 'Scope',
    width: 'minmax(220px, 2fr)',
    key: ({ entity }) => pluginScope(entity, names),
    cell: ({ entity }) => pluginScope(entity, names),
  },
  enabledColumn,
]

const enabledColumn: EntityColumn = {
  id: 'enabled',
  title: 'State',
  width: '96px',
  key: ({ entity }) => (entity['enabled'] === false ? 1 : 0),
  cell: ({ entity }) => <EnabledBadge entity={entity} />,
}

const workspaceColumn: EntityColumn = {
  id: 'workspace',
  title: 'Workspace',
  width: 'minmax(120px, 0.8fr)',
  key: ({ workspace }) => workspace,
  cell: ({ workspace }) => (
    <>
      <WorkspaceAvatar name={workspace} /> {workspace}
    </>
  ),
}

const tagsColumn: EntityColumn = {
  id: 'tags',
  title: 'Tags',
  width: 'minmax(110px, 1fr)',
  key: ({ entity }) => entityTags(entity).join(' '),
  cell: ({ entity }) => <Chips values={entityTags(entity)} />,
}

const ageColumn: EntityColumn = {
  id: 'updated',
  title: 'Updated',
  width: '92px',
  key: ({ entity }) => Number(entity['updated_at'] ?? 0),
  cell: ({ entity }) => formatAge(Number(entity['updated_at'] ?? 0) * 1000, Date.now()),
}

export const entityTags = (entity: EntityRecord): string[] =>
  Array.isArray(entity['tags']) ? entity['tags'].map(String) : []

function serviceAddress(entity: EntityRecord): string {
  const port = text(entity, 'port') === '' ? '' : `:${text(entity, 'port')}`
  return `${text(entity, 'protocol')}://${text(entity, 'host')}${port}${text(entity, 'path')}`
}
