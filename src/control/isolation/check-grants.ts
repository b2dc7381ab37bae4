import { defaultWorkspace } from '../../entities/default-workspace.ts'
import type { CooperativeTask } from '../../lib/cooperative-task.ts'
import { valueOf } from '../../lib/prefix-tree.ts'
import type { Ownership } from '../../schema/ownership.ts'
import { differing, grantsOf, type Claims, type Grant } from './change-claims.ts'
import { namesWithin } from './claim-index.ts'
import { ownershipForbidden, ownershipConflict, type ChangeAuthor } from './refusals.ts'

/** Throws when a principal other than a super-admin changes what a workspace owns, or two workspaces would own the same. */
export function* checkGrants(
  before: Claims,
  after: Claims,
  author: ChangeAuthor,
): CooperativeTask<void> {
  const differences = [...before.snapshot.workspaces.differencesTo(after.snapshot.workspaces)]
  for (const { key: id, before: was, after: is } of differences) {
    yield
    if (is === undefined || differing(grantsOf(was), grantsOf(is)).length === 0) continue
    if (!author.isSuperAdmin()) throw ownershipForbidden()
    const changed = new Set(differences.map(({ key }) => key))
    for (const grant of grantsOf(is)) {
      const previous = holderOf(before.ownership, grant)
      const isKept = previous !== undefined && previous !== id && !changed.has(previous)
      if (isKept || holderOf(after.ownership, grant) !== id || isNamed(after, grant, id))
        throw ownershipConflict(grant)
    }
  }
}

/** The workspace that owns exactly this host or path. Another workspace can own a part of it. */
const holderOf = ({ hosts, paths }: Ownership, { host, path }: Grant): string | undefined =>
  host === '' ? valueOf(paths, path)?.workspace : hosts.get(host)

/** Whether another workspace has a certificate for the host. Certificates of the default workspace are shared. */
function isNamed({ index }: Claims, { host }: Grant, owner: string): boolean {
  if (host === '') return false
  for (const { workspace, shown } of namesWithin(index, host)) {
    const isOther = workspace !== owner && workspace !== defaultWorkspace.id
    if (isOther && shown.field === 'name') return true
  }
  return false
}
