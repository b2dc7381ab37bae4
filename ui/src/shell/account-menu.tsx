import { Menu, SegmentedControl, UnstyledButton, useMantineColorScheme } from '@mantine/core'
import {
  IconDeviceDesktop,
  IconLogout,
  IconMoon,
  IconSelector,
  IconSun,
  IconUserCircle,
} from '@tabler/icons-react'
import { useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { signOut, useSession } from '../api/session.ts'
import classes from './account-menu.module.css'

/** The signed-in principal, with theme and sign-out. */
export function AccountMenu() {
  const { principal, version } = useSession()
  const queryClient = useQueryClient()
  const navigate = useNavigate()

  const leave = async () => {
    const elsewhere = await signOut().catch(() => undefined)
    if (elsewhere !== undefined) return window.location.assign(elsewhere)
    await navigate({ to: '/sign-in', search: {} })
    queryClient.clear()
  }

  return (
    <div className={classes.account}>
      <Menu width={220} position="top-start" closeOnItemClick={false}>
        <Menu.Target>
          <UnstyledButton className={classes.target} aria-label={`Account of ${principal.name}`}>
            <span className={classes.avatar} aria-hidden="true">
              {principal.name.slice(0, 1).toUpperCase()}
            </span>
            <span className={classes.text}>
              <b>{principal.name}</b>
              <small>{principal.kind}</small>
            </span>
            <IconSelector size={14} stroke={1.7} className={classes.arrow} />
          </UnstyledButton>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Label>Theme</Menu.Label>
          <ThemeSwitch />
          <Menu.Divider />
          <Menu.Item
            component={Link}
            to="/account"
            closeMenuOnClick
            leftSection={<IconUserCircle size={16} stroke={1.7} />}
          >
            Your account
          </Menu.Item>
          <Menu.Item
            leftSection={<IconLogout size={16} stroke={1.7} />}
            onClick={() => void leave()}
          >
            Sign out
          </Menu.Item>
          <Menu.Divider />
          <Menu.Label>Weir {version}</Menu.Label>
        </Menu.Dropdown>
      </Menu>
    </div>
  )
}

const schemes = [
  { value: 'auto', title: 'System', icon: IconDeviceDesktop },
  { value: 'light', title: 'Light', icon: IconSun },
  { value: 'dark', title: 'Dark', icon: IconMoon },
] as const

function ThemeSwitch() {
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  return (
    <SegmentedControl
      fullWidth
      size="xs"
      mx={6}
      mb={4}
      aria-label="Theme"
      value={colorScheme}
      onChange={(value) => setColorScheme(value)}
      data={schemes.map(({ value, title, icon: Glyph }) => ({
        value,
        label: (
          <Glyph
            size={15}
            stroke={1.7}
            aria-label={title}
            style={{ display: 'block', margin: '2px auto' }}
          />
        ),
      }))}
    />
  )
}
