import { Tabs } from '@mantine/core'
import { useSession, workspacesWith } from '../api/session.ts'
import { NoAccess } from '../entities/no-access.tsx'
import { PageHead } from '../parts/page-head.tsx'
import { Page } from '../parts/page.tsx'
import { usePageView } from '../view/use-page-view.ts'
import classes from './access-page.module.css'
import { Entitled } from './entitled.tsx'
import { ExplainForm } from './explain-form.tsx'
import { PeopleList } from './people-list.tsx'
import { RoleList } from './role-list.tsx'

/** Who may do what in a workspace, and why: the matrix of everybody, one question explained, people with their tokens, and roles. */
export function AccessPage() {
  const session = useSession()
  const view = usePageView()
  const readable = workspacesWith(session, 'rbac/explain').map(({ name }) => name)
  const workspace = view.workspace ?? (readable.includes('default') ? 'default' : readable[0])
  if (workspace === undefined)
    return (
      <Page>
        <NoAccess what="who may do what" />
      </Page>
    )
  return (
    <Page>
      <PageHead
        title="Access"
        about={`Who may do what in workspace ${workspace}, and by which rule.`}
      />
      <Tabs key={workspace} defaultValue="matrix" keepMounted={false}>
        <Tabs.List className={classes.tabs ?? ''}>
          <Tabs.Tab value="matrix">Everybody</Tabs.Tab>
          <Tabs.Tab value="explain">Explain</Tabs.Tab>
          <Tabs.Tab value="people">People and tokens</Tabs.Tab>
          <Tabs.Tab value="roles">Roles</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="matrix">
          <Entitled workspace={workspace} />
        </Tabs.Panel>
        <Tabs.Panel value="explain">
          <ExplainForm workspace={workspace} />
        </Tabs.Panel>
        <Tabs.Panel value="people">
          <PeopleList workspace={workspace} />
        </Tabs.Panel>
        <Tabs.Panel value="roles">
          <RoleList workspace={workspace} />
        </Tabs.Panel>
      </Tabs>
    </Page>
  )
}
