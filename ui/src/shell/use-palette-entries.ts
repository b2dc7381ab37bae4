import { useMantineColorScheme } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
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
import { useEntities } from '../entities/use-entities.ts'
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
  /** Whether the Admin API found it by the words, perhaps in fields that the palette does not show. */
  readonly isMatch?: boolean
}

type Palette = { readonly entries: readonly PaletteEntry[]; readonly isLoading: boolean }

/** Milliseconds without a key press after which objects are searched. */
const searchDelay = 150

/** Objects of one kind that a search loads. */
const maxObjects = 20

/** Entries of the command palette. The Admin API searches the objects once the viewer types. */
export function usePaletteEntries(typed: string): Palette {
  const [search] = useDebouncedValue(typed, searchDelay)
  const isCurrent = search === typed
  const session = useSession()
  const { setColorScheme } = useMantineColorScheme()
  const objects = [
    useObjects(session, 'services', search),
    useObjects(session, 'routes', search),
    useObjects(session, 'upstreams', search),
    useObjects(session, 'consumers', search),
    useObjects(session, 'consumer_groups', search),
    useObjects(session, 'plugins', search),
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
  return {
    entries: isCurrent ? entries : entries.map((entry) => ({ ...entry, isMatch: false })),
    isLoading: !isCurrent || objects.some(({ isLoading }) => isLoading),
  }
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

function useObjects(session: Session, plural: Kind['plural'], search: string): Palette {
  const kind = findKind(plural)
  const words = search.toLowerCase().split(/\s+/).filter(Boolean)
  const workspaces =
    words.length === 0 ? [] : workspacesWith(session, plural).map(({ name }) => name)
  const { rows, hasNextPage, isFetching, isPlaceholderData } = useEntities(workspaces, plural, {
    search: workspaces.map((workspace) => objectWords(words, `${kind?.title} ${workspace}`)),
    firstSize: maxObjects,
    laterSize: maxObjects,
    isEnough: (found) => found.length >= maxObjects,
  })
  const entries = useMemo(
    () => (kind === undefined ? [] : rows.map((row) => objectEntry(kind, row, !isPlaceholderData))),
    [kind, rows, isPlaceholderData],
  )
  const isComplete = rows.length >= maxObjects || !hasNextPage
  return { entries, isLoading: words.length > 0 && (!isComplete || isFetching) }
}

/** The words to search for: of several, those that do not begin the name of the kind or the workspace. */
function objectWords(words: readonly string[], home: string): string {
  if (words.length === 1) return words.join('')
  const names = home.toLowerCase().split(/\s+/)
  return words.filter((word) => !names.some((name) => name.startsWith(word))).join(' ')
}

const objectEntry = (
  kind: Kind,
  { workspace, entity }: EntityRow,
  isMatch: boolean,
): PaletteEntry => ({
  id: entity.id,
  group: kind.title,
  title: entityTitle(kind, entity),
  aside: workspace,
  icon: kind.icon,
  to: `/${kind.plural}/${encodeURIComponent(workspace)}/${entity.id}`,
  isMatch,
})
