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
import type { Session } from '../../../src/schema/session.ts'
import type { EntityRow } from '../api/entities.ts'
import { useSession, workspacesWith } from '../api/session.ts'
import { entityTitle, findKind, type Kind, kinds } from '../entities/kinds.ts'
import { useEntities } from '../entities/use-entities.ts'
import type { Search } from '../view/search.ts'
import { governancePages } from './governance-pages.ts'

/** Something the palette leads to, or does. */
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

/** Everything the palette knows: pages, workspaces, objects the viewer may read, themes. */
export function usePaletteEntries(): readonly PaletteEntry[] {
  const session = useSession()
  const { setColorScheme } = useMantineColorScheme()
  const services = useObjects(session, 'services')
  const routes = useObjects(session, 'routes')
  const upstreams = useObjects(session, 'upstreams')
  const consumers = useObjects(session, 'consumers')
  const groups = useObjects(session, 'consumer_groups')
  const plugins = useObjects(session, 'plugins')
  const themes = [
    ['auto', 'Theme of the system', IconDeviceDesktop],
    ['light', 'Light theme', IconSun],
    ['dark', 'Dark theme', IconMoon],
  ] as const

  return [
    ...pageEntries(session),
    ...session.workspaces.map(({ id, name }) => ({
      id,
      group: 'Workspaces',
      title: name,
      aside: 'Traffic of this workspace',
      icon: IconStack2,
      to: '/',
      search: { workspace: name },
    })),
    ...services,
    ...routes,
    ...upstreams,
    ...consumers,
    ...groups,
    ...plugins,
    ...themes.map(([scheme, title, icon]) => ({
      id: scheme,
      group: 'Settings',
      title,
      aside: '',
      icon,
      run: () => setColorScheme(scheme),
    })),
  ]
}

function pageEntries(session: Session): PaletteEntry[] {
  const lists = kinds.filter(({ plural }) => workspacesWith(session, plural).length > 0)
  return [
    { id: '/', group: 'Pages', title: 'Overview', aside: '', icon: IconChartHistogram, to: '/' },
    {
      id: '/reference',
      group: 'Pages',
      title: 'API reference',
      aside: 'What can be asked of the Admin API',
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

function useObjects(session: Session, plural: Kind['plural']): PaletteEntry[] {
  const kind = findKind(plural)
  const workspaces = workspacesWith(session, plural).map(({ name }) => name)
  const { rows } = useEntities(workspaces, plural, true)
  return kind === undefined ? [] : rows.map((row) => objectEntry(kind, row))
}

const objectEntry = (kind: Kind, { workspace, entity }: EntityRow): PaletteEntry => ({
  id: entity.id,
  group: kind.title,
  title: entityTitle(kind, entity),
  aside: workspace,
  icon: kind.icon,
  to: `/${kind.plural}/${encodeURIComponent(workspace)}/${entity.id}`,
})
