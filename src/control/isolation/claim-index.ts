import { groupWithin, groupsMeeting, groupsMeetingName, groupsOf } from '../../lib/host-pattern.ts'
import type { CooperativeTask } from '../../lib/cooperative-task.ts'
import { RadixMap, type Fold } from '../../lib/radix-map.ts'
import type { Claim } from './route-claims.ts'

/** `free`: the first claimant holds a claim. `owned`: only the workspace that owns the host or path may hold it. */
export type ClaimKind = 'free' | 'owned'

/**
 * Claims by groups of hosts and by path. Every part records the workspaces of its claims, so that claims of other workspaces
 * are found at the cost of the claim that is compared, however many the index has. Immutable.
 */
export type ClaimIndex = RadixMap<Claim>

export const emptyClaims: ClaimIndex = RadixMap.empty()

/** Changes of an index; undefined removes a claim. */
export type ClaimChanges = Map<string, Claim | undefined>

/** Adds a claim, or removes it. The last change of a claim counts. */
export function changeClaim(
  changes: ClaimChanges,
  claim: Claim,
  kind: ClaimKind,
  action: 'add' | 'remove',
): void {
  const value = action === 'add' ? claim : undefined
  for (const group of groupsOf(claim.host)) {
    // A key that is joined takes less memory than a template, of which V8 keeps the parts.
    changes.set([partOf(kind, claim.traffic, group), claim.path, '\0', claim.route].join(''), value)
  }
}

/** The index after these changes. */
export function* changeIndex(
  index: ClaimIndex,
  changes: ClaimChanges,
): CooperativeTask<ClaimIndex> {
  const next = yield* index.changeSteps(changes)
  yield* next.foldSteps(holders, holderSteps)
  return next
}

/** The free claims of other workspaces on requests that a claim is on too. */
export function* competing(index: ClaimIndex, claim: Claim): Generator<Claim> {
  for (const group of groupsMeeting(claim.host)) {
    const part = partOf('free', claim.traffic, group)
    if (!hasOthers(index, claim.workspace, part)) continue
    yield* others(index, claim.workspace, `${part}${claim.path}`)
    for (let length = 0; length < claim.path.length; length += 1)
      yield* others(index, claim.workspace, `${part}${claim.path.slice(0, length)}\0`)
  }
}

/** The claims on a host pattern and a path, of any workspace. */
export function* claimsAt(index: ClaimIndex, host: string, path: string): Generator<Claim> {
  for (const kind of claimKinds) yield* index.under(`${partOf(kind, 'http', `=${host}`)}${path}\0`)
}

/** The claims that only have hosts of a pattern, or, without one, paths with a prefix. */
export function* claimsWithin(index: ClaimIndex, host: string, path: string): Generator<Claim> {
  for (const kind of claimKinds) {
    yield* index.under(`${partOf(kind, 'http', groupWithin(host))}${path}`)
    if (host !== '') yield* index.under(partOf(kind, 'stream', groupWithin(host)))
  }
}

/** The names that only have hosts of a pattern. */
export const namesWithin = (index: ClaimIndex, host: string): Generator<Claim> =>
  index.under(partOf('free', 'name', groupWithin(host)))

/** Claims of other workspaces on names that a server name pattern matches; for `*`, all of them. */
export function* claimsNamed(index: ClaimIndex, name: string, workspace: string): Generator<Claim> {
  const groups = name === '*' ? [groupWithin('')] : groupsMeetingName(name)
  for (const kind of claimKinds)
    for (const traffic of ['http', 'stream', 'name'] as const)
      for (const group of groups) yield* others(index, workspace, partOf(kind, traffic, group))
}

const claimKinds: readonly ClaimKind[] = ['free', 'owned']

const partOf = (kind: ClaimKind, traffic: Claim['traffic'], group: string): string =>
  `${kind} ${traffic} ${group}\0`

const hasOthers = (index: ClaimIndex, workspace: string, part: string): boolean => {
  const holder = index.foldUnder(part, holders, holderSteps)
  return holder !== nobody && holder !== workspace
}

/** The workspace that has all claims of a node, or one of these. */
const nobody = ''
const several = '*'

/** Of nodes of indexes; each is computed once. */
const holders = new WeakMap<object, string>()

const holderSteps: Fold<Claim, string> = {
  leaf: (claims) => commonOf(claims.map(({ workspace }) => workspace)),
  branch: (_codes, parts) => commonOf(parts),
}

const commonOf = ([first = nobody, ...others]: readonly string[]): string =>
  others.every((other) => other === first) ? first : several

function* others(index: ClaimIndex, workspace: string, part: string): Generator<Claim> {
  if (!hasOthers(index, workspace, part)) return
  for (const claim of index.under(part)) if (claim.workspace !== workspace) yield claim
}
