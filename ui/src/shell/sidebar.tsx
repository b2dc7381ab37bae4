import { ActionIcon, NavLink, ScrollArea } from '@mantine/core'
import { type Icon, IconBook2, IconChartHistogram, IconX } from '@tabler/icons-react'
import { Link, useLocation } from '@tanstack/react-router'
import { useSession, workspacesWith } from '../api/session.ts'
import { type Kind, kinds } from '../entities/kinds.ts'
import { keepScope } from '../view/search.ts'
import { usePageView } from '../view/use-page-view.ts'
import { AccountMenu } from './account-menu.tsx'
import { governancePages } from './governance-pages.ts'
import classes from './sidebar.module.css'
import { WeirMark } from './weir-mark.tsx'
import { WorkspaceSwitcher } from './workspace-switcher.tsx'

/** The navigation, limited to pages that the viewer may read. */
export function Sidebar({ onClose }: { readonly onClose: () => void }) {
  const session = useSession()
  const { workspace } = usePageView()
  const readable = kinds.filter(({ plural }) =>
    workspacesWith(session, plural).some(
      ({ name }) => workspace === undefined || name === workspace,
    ),
  )

  const pages = governancePages(session)

  return (
    <>
      <div className={classes.brand}>
        <Link
          to="/"
          search={keepScope}
          className={classes.name}
          aria-label="Weir, go to the overview"
        >
          <WeirMark />
          Weir
        </Link>
        <ActionIcon
          hiddenFrom="sm"
          variant="subtle"
          color="gray"
          onClick={onClose}
          aria-label="Close navigation"
        >
          <IconX size={18} />
        </ActionIcon>
      </div>
      <div className={classes.workspace}>
        <WorkspaceSwitcher />
      </div>
      <ScrollArea className={classes.scroll} type="hover" scrollbarSize={6}>
        <nav aria-label="Main">
          <p className={classes.group}>Traffic</p>
          <Item to="/" title="Overview" icon={IconChartHistogram} />
          {(['Gateway', 'Secrets'] as const).map((group) => (
            <Kinds
              key={group}
              title={group}
              kinds={readable.filter((kind) => kind.group === group)}
            />
          ))}
          {pages.length > 0 && <p className={classes.group}>Governance</p>}
          {pages.map(({ to, title, icon }) => (
            <Item key={to} to={to} title={title} icon={icon} />
          ))}
          <p className={classes.group}>Help</p>
          <Item to="/reference" title="API reference" icon={IconBook2} />
        </nav>
      </ScrollArea>
      <AccountMenu />
    </>
  )
}

type KindsProps = { readonly title: string; readonly kinds: readonly Kind[] }

function Kinds({ title, kinds: shown }: KindsProps) {
  if (shown.length === 0) return null
  return (
    <>
      <p className={classes.group}>{title}</p>
      {shown.map(({ plural, title: words, icon }) => (
        <Item key={plural} to={`/${plural}`} title={words} icon={icon} />
      ))}
    </>
  )
}

type ItemProps = { readonly to: string; readonly title: string; readonly icon: Icon }

function Item({ to, title, icon: Glyph }: ItemProps) {
  const { pathname } = useLocation()
  const isHere = to === '/' ? pathname === '/' : pathname.startsWith(to)
  return (
    <NavLink
      className={classes.item}
      label={title}
      active={isHere}
      leftSection={<Glyph size={17} stroke={1.7} />}
      renderRoot={(props) => (
        <Link to={to} search={keepScope} aria-current={isHere ? 'page' : undefined} {...props} />
      )}
    />
  )
}
