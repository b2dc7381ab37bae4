import { type Icon, IconGitCommit, IconHistory, IconShieldLock } from '@tabler/icons-react'
import type { Session } from '../../../src/schema/session.ts'
import { workspacesWith } from '../api/session.ts'

type GovernancePage = { readonly to: string; readonly title: string; readonly icon: Icon }

const pages: readonly (GovernancePage & { readonly needs: string })[] = [
  { to: '/access', title: 'Access', icon: IconShieldLock, needs: 'rbac/explain' },
  { to: '/changes', title: 'Changes', icon: IconGitCommit, needs: 'config/revisions' },
  { to: '/audit', title: 'Audit', icon: IconHistory, needs: 'audit' },
]

/** The governance pages that the viewer may open. */
export const governancePages = (session: Session): readonly GovernancePage[] =>
  pages.filter(({ needs }) => workspacesWith(session, needs).length > 0)
