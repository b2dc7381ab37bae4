import { defaultWorkspace } from '../../entities/default-workspace.ts'
import type { CooperativeTask } from '../../lib/cooperative-task.ts'
import { hostOwner } from '../../schema/ownership.ts'
import type { Claims } from './change-claims.ts'
import { claimsNamed } from './claim-index.ts'
import { nameCollision, type ChangeAuthor } from './refusals.ts'

/**
 * Throws for a server name of a certificate that another workspace owns or serves. A super-admin may add to the default
 * workspace certificates that all workspaces share.
 */
export function* checkNames(
  before: Claims,
  after: Claims,
  author: ChangeAuthor,
): CooperativeTask<void> {
  for (const difference of before.snapshot.snis.differencesTo(after.snapshot.snis)) {
    yield
    const { before: was, after: is } = difference
    if (is === undefined || (was?.name === is.name && was.workspace === is.workspace)) continue
    const { name, workspace } = is
    const owner = hostOwner(after.ownership, name)
    if (owner === workspace) continue
    if (owner !== undefined) throw nameCollision(name)
    if (workspace === defaultWorkspace.id && author.isSuperAdmin()) continue
    const isServed = claimsNamed(after.index, name, workspace).next().done !== true
    if (isServed) throw nameCollision(name)
  }
}
