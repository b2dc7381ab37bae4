import { Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { referenceOf, text, type EntityRecord, type Placed } from '../api/entities.ts'
import { formatAge } from '../parts/format-age.ts'
import { nothing } from '../parts/format.ts'
import { WorkspaceSeal } from '../shell/workspace-seal.tsx'
import { Chips } from './chips.tsx'
import { EntityLink } from './entity-link.tsx'
import { namesOf, titleOf, type Kind } from './kinds.ts'
import { matchersOf } from './matchers-of.ts'
import { placeOf } from './place-of.ts'
import { State } from './state.tsx'
import type { Names } from './use-names.ts'

/** A column of a list: what it sorts and searches by, and how it looks. */
export type EntityColumn = {
  readonly id: string
  readonly title: string
  /** Share of the width, as CSS says it in a grid. */
  readonly width: string
  readonly key: (row: Placed) => string | number
  readonly cell: (row: Placed) => ReactNode
}

/** The columns of a kind's list; with the workspace when several are listed. */
export function entityColumns(kind: Kind, names: Names, isAcross: boolean): EntityColumn[] {
  const own: Readonly<Record<Kind['plural'], () => EntityColumn[]>> = {
    services: serviceColumns,
    routes: () => routeColumns(names),
    upstreams: () => [wordsColumn('algorithm', 'How a target is picked')],
    consumers: () => [wordsColumn('custom_id', 'Custom ID')],
    consumer_groups: () => [],
    plugins: () => pluginColumns(names),
    certificates: () => [serverNamesColumn],
    vaults: () => [wordsColumn('name', 'Kind'), wordsColumn('description', 'Description')],
    keys: () => [
      wordsColumn('kid', 'Key ID'),
      referenceColumn('set', 'Key set', 'key-sets', names),
    ],
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
  key: ({ entity }) => `${titleOf(kind, entity)} ${text(entity, 'instance_name')}`,
  cell: ({ workspace, entity }) => (
    <>
      <EntityLink plural={kind.plural} workspace={workspace} id={entity.id} strong>
        {titleOf(kind, entity)}
      </EntityLink>
      <Text span inherit c="dimmed" ml={8}>
        {text(entity, 'instance_name')}
      </Text>
    </>
  ),
})

const serviceColumns = (): EntityColumn[] => [
  {
    id: 'address',
    title: 'Where requests go',
    width: 'minmax(220px, 2fr)',
    key: ({ entity }) => addressOf(entity),
    cell: ({ entity }) => <code>{addressOf(entity)}</code>,
  },
  enabledColumn,
]

const routeColumns = (names: Names): EntityColumn[] => [
  {
    id: 'matches',
    title: 'Matches',
    width: 'minmax(220px, 2fr)',
    key: ({ entity }) => matchersOf(entity).join(' '),
    cell: ({ entity }) => <Chips values={matchersOf(entity)} mono />,
  },
  referenceColumn('service', 'Service', 'services', names),
]

const wordsColumn = (field: string, title: string): EntityColumn => ({
  id: field,
  title,
  width: 'minmax(120px, 1fr)',
  key: ({ entity }) => text(entity, field),
  cell: ({ entity }) => text(entity, field) || nothing,
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
  key: ({ entity }) => names(referenceOf(entity, field)) ?? '',
  cell: ({ workspace, entity }) => {
    const id = referenceOf(entity, field)
    return id === undefined ? (
      nothing
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
  key: ({ entity }) => namesOf(entity).join(' '),
  cell: ({ entity }) => <Chips values={namesOf(entity)} mono />,
}

const pluginColumns = (names: Names): EntityColumn[] => [
  {
    id: 'place',
    title: 'Put on',
    width: 'minmax(220px, 2fr)',
    key: ({ entity }) => placeOf(entity, names),
    cell: ({ entity }) => placeOf(entity, names),
  },
  enabledColumn,
]

const enabledColumn: EntityColumn = {
  id: 'enabled',
  title: 'State',
  width: '96px',
  key: ({ entity }) => (entity['enabled'] === false ? 1 : 0),
  cell: ({ entity }) => <State entity={entity} />,
}

const workspaceColumn: EntityColumn = {
  id: 'workspace',
  title: 'Workspace',
  width: 'minmax(120px, 0.8fr)',
  key: ({ workspace }) => workspace,
  cell: ({ workspace }) => (
    <>
      <WorkspaceSeal name={workspace} /> {workspace}
    </>
  ),
}

const tagsColumn: EntityColumn = {
  id: 'tags',
  title: 'Tags',
  width: 'minmax(110px, 1fr)',
  key: ({ entity }) => tagsOf(entity).join(' '),
  cell: ({ entity }) => <Chips values={tagsOf(entity)} />,
}

const ageColumn: EntityColumn = {
  id: 'updated',
  title: 'Changed',
  width: '92px',
  key: ({ entity }) => Number(entity['updated_at'] ?? 0),
  cell: ({ entity }) => formatAge(Number(entity['updated_at'] ?? 0) * 1000, Date.now()),
}

/** The tags of an entity. */
export const tagsOf = (entity: EntityRecord): string[] =>
  Array.isArray(entity['tags']) ? entity['tags'].map(String) : []

function addressOf(entity: EntityRecord): string {
  const port = text(entity, 'port') === '' ? '' : `:${text(entity, 'port')}`
  return `${text(entity, 'protocol')}://${text(entity, 'host')}${port}${text(entity, 'path')}`
}
