import { useMantineColorScheme } from '@mantine/core'
import {
  type Icon,
  IconBook2,
  IconChartHistogram,
  IconDeviceDesktop,
  IconMoon,
  IconStack2,
  IconSun,
} from '@tabler/icons-react'
import { useMemo } from 'react'
import type { Session } from '../../../src/schema/session.ts'
import type { EntityRow } from '../api/entities.ts'
import { useSession, workspacesWith } from '../api/session.ts'
import { entityTitle, findKind, type Kind, kinds } from '../entities/kinds.ts'
import { completely, useEntities } from '../entities/use-entities.ts'
import type { Search } from '../view/search.ts'
import { governancePages } from './governance-pages.ts'

/** A page to open or a command to run. */
export type PaletteEntry = {
  readonly id: string
  readonly group: string
  readonly title: string
  readonly aside: string
  readonly icon: Icon
  readonly to?: string
  readonly search?: Search
  readonly run?: () => void
}

type Palette = { readonly entries: readonly PaletteEntry[]; readonly isLoading: boolean }

/** Entries of the command palette. Objects are loaded once the viewer types. */
export function usePaletteEntries(isSearching: boolean): Palette {
  const session = useSession()
  const { setColorScheme } = useMantineColorScheme()
  const objects = [
    useObjects(session, 'services', isSearching),
    useObjects(session, 'routes', isSearching),
    useObjects(session, 'upstreams', isSearching),
    useObjects(session, 'consumers', isSearching),
    useObjects(session, 'consumer_groups', isSearching),
    useObjects(session, 'plugins', isSearching),
  ]
  const themes = [
    ['auto', 'System theme', IconDeviceDesktop],
    ['light', 'Light theme', IconSun],
    ['dark', 'Dark theme', IconMoon],
  ] as const

  const entries = [
    ...pageEntries(session),
    ...session.workspaces.map(({ id, name }) => ({
      id,
      group: 'Workspaces',
      title: name,
      aside: 'Overview',
      icon: IconStack2,
      to: '/',
      search: { workspace: name },
    })),
    ...objects.flatMap(({ entries }) => entries),
    ...themes.map(([scheme, title, icon]) => ({
      id: scheme,
      group: 'Settings',
      title,
      aside: '',
      icon,
      run: () => setColorScheme(scheme),
    })),
  ]
  return { entries, isLoading: objects.some(({ isLoading }) => isLoading) }
}

function pageEntries(session: Session): PaletteEntry[] {
  const lists = kinds.filter(({ plural }) => workspacesWith(session, plural).length > 0)
  return [
    { id: '/', group: 'Pages', title: 'Overview', aside: '', icon: IconChartHistogram, to: '/' },
    {
      id: '/reference',
      group: 'Pages',
      title: 'API reference',
      aside: 'Admin API',
      icon: IconBook2,
      to: '/reference',
    },
    ...lists.map(({ plural, title, icon }) => ({
      id: plural,
      group: 'Pages',
      title,
      aside: '',
      icon,
      to: `/${plural}`,
    })),
    ...governancePages(session).map(({ to, title, icon }) => ({
      id: to,
      group: 'Pages',
      title,
      aside: '',
      icon,
      to,
    })),
  ]
}

function useObjects(session: Session, plural: Kind['plural'], isSearching: boolean): Palette {
  const kind = findKind(plural)
  const workspaces = isSearching ? workspacesWith(session, plural).map(({ name }) => name) : []
  const { rows, hasNextPage, isFetching } = useEntities(workspaces, plural, completely)
  const entries = useMemo(
    () => (kind === undefined ? [] : rows.map((row) => objectEntry(kind, row))),
    [kind, rows],
  )
  return { entries, isLoading: isSearching && (hasNextPage || isFetching) }
}

const objectEntry = (kind: Kind, { workspace, entity }: EntityRow): PaletteEntry => ({
  id: entity.id,
  group: kind.title,
  title: entityTitle(kind, entity),
  aside: workspace,
  icon: kind.icon,
  to: `/${kind.plural}/${encodeURIComponent(workspace)}/${entity.id}`,
})
