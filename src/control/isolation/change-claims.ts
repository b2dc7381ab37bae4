import type { CooperativeTask } from '../../lib/cooperative-task.ts'
import { normalizePattern } from '../../lib/normalize-path.ts'
import type { Difference } from '../../lib/radix-map.ts'
import {
  changeOwnership,
  emptyOwnership,
  hostOwner,
  pathOwner,
  type Ownership,
} from '../../schema/ownership.ts'
import { emptySnapshot, type Snapshot, type SnapshotItem } from '../../schema/snapshot.ts'
import {
  changeClaim,
  changeIndex,
  claimsWithin,
  emptyClaims,
  type ClaimChanges,
  type ClaimIndex,
  type ClaimKind,
} from './claim-index.ts'
import { claimsOf, nameClaim, type Claim, type RouteItem } from './route-claims.ts'

/** The claims of all routes of a snapshot, and the owners of hosts and paths in it. Immutable. */
export type Claims = {
  readonly snapshot: Snapshot
  readonly ownership: Ownership
  readonly index: ClaimIndex
}

export const noClaims: Claims = {
  snapshot: emptySnapshot,
  ownership: emptyOwnership,
  index: emptyClaims,
}

/** Claims after a change, and the routes whose claims, or whose owners, can have changed by it. */
export type ClaimsChange = {
  readonly claims: Claims
  readonly changed: readonly Difference<RouteItem>[]
}

/** The claims of another snapshot, at the cost of what differs from the one that the claims are of. */
export function* changeClaims(before: Claims, snapshot: Snapshot): CooperativeTask<ClaimsChange> {
  const workspaces = [...before.snapshot.workspaces.differencesTo(snapshot.workspaces)]
  const ownership = changeOwnership(before.ownership, workspaces)
  const changed = new Map<string, Difference<RouteItem>>()
  for (const difference of before.snapshot.routes.differencesTo(snapshot.routes)) {
    yield
    changed.set(difference.key, difference)
  }
  for (const { route: key } of claimsOfGrants(before.index, workspaces)) {
    yield
    const difference = {
      key,
      before: before.snapshot.routes.get(key),
      after: snapshot.routes.get(key),
    }
    if (!changed.has(key)) changed.set(key, difference)
  }
  const changes: ClaimChanges = new Map()
  const sides = [
    { side: 'before', action: 'remove', owned: before.ownership },
    { side: 'after', action: 'add', owned: ownership },
  ] as const
  for (const { side, action, owned } of sides) {
    for (const { [side]: route } of changed.values()) {
      for (const claim of route === undefined ? [] : claimsOf(route)) {
        yield
        changeClaim(changes, claim, kindOf(owned, claim), action)
      }
    }
    for (const { [side]: workspace } of workspaces)
      for (const name of grantedNames(workspace)) changeClaim(changes, name, 'free', action)
    for (const { [side]: sni } of before.snapshot.snis.differencesTo(snapshot.snis)) {
      yield
      if (sni !== undefined) changeClaim(changes, certifiedName(sni), 'free', action)
    }
  }
  const index = yield* changeIndex(before.index, changes)
  return { claims: { snapshot, ownership, index }, changed: [...changed.values()] }
}

type Workspace = SnapshotItem<'workspaces'>

function grantedNames(workspace: Workspace | undefined): readonly Claim[] {
  const { id = '', owned_hosts: hosts = [] } = workspace ?? {}
  return hosts.map((host) => nameClaim(id, id, host, 'owned_hosts'))
}

const certifiedName = ({ id, workspace, name }: SnapshotItem<'snis'>): Claim =>
  nameClaim(workspace, id, name, 'name')

/** The claims within changed grants of workspaces, including the previous ones. */
function* claimsOfGrants(
  index: ClaimIndex,
  workspaces: readonly Difference<Workspace>[],
): Generator<Claim> {
  for (const { before, after } of workspaces) {
    const grants = [grantsOf(before), grantsOf(after)] as const
    for (const { host, path } of new Set(differing(...grants)))
      yield* claimsWithin(index, host, path)
  }
}

/** A host pattern or a path prefix; the other is ''. */
export type Grant = { readonly host: string; readonly path: string }

export const grantsOf = (workspace: Workspace | undefined): readonly Grant[] => [
  ...(workspace?.owned_hosts ?? []).map((host) => ({ host, path: '' })),
  ...(workspace?.owned_paths ?? []).map((path) => ({ host: '', path: normalizePattern(path) })),
]

export const differing = (some: readonly Grant[], others: readonly Grant[]): readonly Grant[] => {
  const isIn = (grants: readonly Grant[], { host, path }: Grant): boolean =>
    grants.some((grant) => grant.host === host && grant.path === path)
  return [
    ...some.filter((grant) => !isIn(others, grant)),
    ...others.filter((grant) => !isIn(some, grant)),
  ]
}

/** The workspace that owns everything a claim is on. */
export const claimOwner = (
  ownership: Ownership,
  { traffic, host, path }: Claim,
): string | undefined =>
  (host === '' ? undefined : hostOwner(ownership, host)) ??
  (traffic === 'http' ? pathOwner(ownership, path) : undefined)

/** The gateway does not isolate streams by owner, so all their claims are compared. */
const kindOf = (ownership: Ownership, claim: Claim): ClaimKind =>
  claim.traffic === 'http' && claimOwner(ownership, claim) !== undefined ? 'owned' : 'free'
