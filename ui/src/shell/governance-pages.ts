import { type Icon, IconGitCommit, IconHistory, IconShieldLock } from '@tabler/icons-react'
import type { Session } from '../../../src/schema/session.ts'
import { workspacesWith } from '../api/session.ts'

/** A page about who may do what, and who did. */
type GovernancePage = { readonly to: string; readonly title: string; readonly icon: Icon }

const pages: readonly (GovernancePage & { readonly needs: string })[] = [
  { to: '/access', title: 'Access', icon: IconShieldLock, needs: 'rbac/explain' },
  { to: '/changes', title: 'Changes', icon: IconGitCommit, needs: 'config/revisions' },
  { to: '/audit', title: 'Audit', icon: IconHistory, needs: 'audit' },
]

/** Those of the pages that show the viewer anything. */
export const governancePages = (session: Session): readonly GovernancePage[] =>
  pages.filter(({ needs }) => workspacesWith(session, needs).length > 0)
