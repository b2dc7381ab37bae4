import { Menu, UnstyledButton } from '@mantine/core'
import { IconCheck, IconSelector, IconStack2 } from '@tabler/icons-react'
import { useNavigate } from '@tanstack/react-router'
import { useSession } from '../api/session.ts'
import { keepScope } from '../view/search.ts'
import { usePageView } from '../view/use-page-view.ts'
import { WorkspaceAvatar } from './workspace-avatar.tsx'
import classes from './workspace-switcher.module.css'

/** Selects the workspace that the pages show, or all of them. */
export function WorkspaceSwitcher() {
  const { workspaces } = useSession()
  const { workspace } = usePageView()
  const navigate = useNavigate()
  const only = workspaces.length === 1 ? workspaces[0]?.name : undefined
  const shown = workspace ?? only

  const choose = (name: string | undefined) =>
    void navigate({
      to: '.',
      search: (previous) => {
        const { workspace: _, ...kept } = keepScope(previous)
        return name === undefined ? kept : { ...kept, workspace: name }
      },
    })

  return (
    <Menu width="target" position="bottom-start" offset={4}>
      <Menu.Target>
        <UnstyledButton className={classes.target} aria-label={`Workspace: ${shown ?? 'all'}`}>
          {shown === undefined ? (
            <IconStack2 size={18} stroke={1.6} />
          ) : (
            <WorkspaceAvatar name={shown} />
          )}
          <span className={classes.label}>{shown ?? 'All workspaces'}</span>
          <IconSelector size={14} stroke={1.7} className={classes.arrow} />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown mah={420} style={{ overflowY: 'auto' }}>
        <Menu.Label>{workspaces.length === 0 ? 'No workspaces' : 'Workspaces'}</Menu.Label>
        {workspaces.length > 1 && (
          <Menu.Item
            leftSection={<IconStack2 size={18} stroke={1.6} />}
            rightSection={shown === undefined && <IconCheck size={14} />}
            onClick={() => choose(undefined)}
          >
            All workspaces
          </Menu.Item>
        )}
        {workspaces.map(({ id, name, roles }) => (
          <Menu.Item
            key={id}
            leftSection={<WorkspaceAvatar name={name} />}
            rightSection={shown === name && <IconCheck size={14} />}
            onClick={() => choose(name)}
          >
            <span className={classes.label}>{name}</span>
            {roles.length > 0 && <span className={classes.roles}>{roles.join(', ')}</span>}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}
