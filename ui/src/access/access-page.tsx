import { Tabs } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { signInOptionsQuery, useSession, workspacesWith } from '../api/session.ts'
import { Page, PageHeader } from '../layout/page.tsx'
import { NoAccess } from '../notices/error-state.tsx'
import { usePageView } from '../view/use-page-view.ts'
import { AllWorkspaces } from './all-workspaces.tsx'
import { ExplainForm } from './explain-form.tsx'
import { PeopleList } from './people-list.tsx'
import { RoleList } from './role-list.tsx'
import { TokenForm } from './token-form.tsx'
import { WorkspaceList } from './workspace-list.tsx'
import { WorkspaceMatrix } from './workspace-matrix.tsx'

const tabs = {
  flexWrap: 'nowrap',
  marginBottom: 12,
  overflowX: 'auto',
  scrollbarWidth: 'none',
} as const

/** Entitlements of principals, in one workspace or in all that the viewer may inspect. */
export function AccessPage() {
  const session = useSession()
  const { workspace: selected } = usePageView()
  const hasProvider = useQuery(signInOptionsQuery).data?.label !== undefined
  const readable = workspacesWith(session, 'rbac/explain').map(({ name }) => name)
  const workspaces = selected === undefined ? readable : [selected]
  const [only] = workspaces
  if (only === undefined)
    return (
      <Page>
        <PageHeader title="Access" />
        <NoAccess what="access settings" />
      </Page>
    )
  const scope = workspaces.length > 1 ? 'All workspaces' : only
  return (
    <Page>
      <PageHeader
        title="Access"
        about={`${scope} · Principals, roles and tokens, and the rule behind every permission.`}
      />
      <Tabs key={workspaces.join('/')} defaultValue="access" keepMounted={false}>
        <Tabs.List style={tabs}>
          <Tabs.Tab value="access">Permissions</Tabs.Tab>
          <Tabs.Tab value="people">People and tokens</Tabs.Tab>
          <Tabs.Tab value="roles">Roles</Tabs.Tab>
          <Tabs.Tab value="workspaces">Hosts and paths</Tabs.Tab>
          <Tabs.Tab value="explain">Explain</Tabs.Tab>
          {hasProvider && <Tabs.Tab value="token">Token</Tabs.Tab>}
        </Tabs.List>
        <Tabs.Panel value="access">
          {workspaces.length > 1 ? (
            <AllWorkspaces workspaces={workspaces} />
          ) : (
            <WorkspaceMatrix workspace={only} />
          )}
        </Tabs.Panel>
        <Tabs.Panel value="people">
          <PeopleList workspaces={workspaces} />
        </Tabs.Panel>
        <Tabs.Panel value="roles">
          {workspaces.map((name) => (
            <RoleList key={name} workspace={name} isTitled={workspaces.length > 1} />
          ))}
        </Tabs.Panel>
        <Tabs.Panel value="workspaces">
          <WorkspaceList workspaces={workspaces} />
        </Tabs.Panel>
        <Tabs.Panel value="explain">
          <ExplainForm workspaces={workspaces} />
        </Tabs.Panel>
        <Tabs.Panel value="token">
          <TokenForm />
        </Tabs.Panel>
      </Tabs>
    </Page>
  )
}
