import { AppShell, Burger } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { Outlet, useLocation } from '@tanstack/react-router'
import { useEffect } from 'react'
import { CommandPalette } from './command-palette.tsx'
import classes from './shell.module.css'
import { Sidebar } from './sidebar.tsx'
import { VisibilityChip } from './visibility-chip.tsx'
import { WeirMark } from './weir-mark.tsx'

/** The frame of every page behind sign-in: navigation, search and the visibility chip. */
export function Shell() {
  const [isOpen, { toggle, close }] = useDisclosure(false)
  const { pathname } = useLocation()
  useEffect(close, [pathname, close])

  return (
    <AppShell
      layout="alt"
      header={{ height: 48 }}
      navbar={{ width: 216, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
      padding={0}
    >
      <a href="#page" className={classes.skip}>
        Skip to content
      </a>
      <AppShell.Header className={classes.header}>
        <Burger
          opened={isOpen}
          onClick={toggle}
          hiddenFrom="sm"
          size="sm"
          aria-label={isOpen ? 'Close navigation' : 'Open navigation'}
          aria-expanded={isOpen}
        />
        <span className={classes.smallMark}>
          <WeirMark size={22} />
        </span>
        <CommandPalette />
        <span className={classes.space} />
        <VisibilityChip />
      </AppShell.Header>
      <AppShell.Navbar className={classes.navbar}>
        <Sidebar onClose={close} />
      </AppShell.Navbar>
      <AppShell.Main id="page" className={classes.main}>
        <Outlet />
      </AppShell.Main>
    </AppShell>
  )
}
