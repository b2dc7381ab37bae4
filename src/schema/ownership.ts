import { containing } from '../lib/host-pattern.ts'
import { normalizePattern } from '../lib/normalize-path.ts'
import { changeKey, findPrefixes, type PrefixTree } from '../lib/prefix-tree.ts'
import { RadixMap, type Difference } from '../lib/radix-map.ts'
import type { SnapshotItem } from './snapshot.ts'

/**
 * The owners of hosts and paths. Only routes of the owner match requests to it. Of several patterns that contain a
 * host the most specific decides, of paths the longest prefix, and a host before a path. Immutable.
 */
export type Ownership = {
  /** Workspaces by host pattern. */
  readonly hosts: RadixMap<string>
  /** Workspaces by path prefix. */
  readonly paths: PrefixTree<PathOwner>
}

type PathOwner = { readonly workspace: string }
type Workspace = SnapshotItem<'workspaces'>

export const emptyOwnership: Ownership = { hosts: RadixMap.empty(), paths: undefined }

/** The owners after some workspaces changed. */
export function changeOwnership(
  { hosts, paths }: Ownership,
  differences: Iterable<Difference<Workspace>>,
): Ownership {
  let next: Ownership = { hosts, paths }
  const added: Workspace[] = []
  for (const { before, after } of differences) {
    if (isOwner(before)) next = withoutOwner(next, before)
    if (isOwner(after)) added.push(after)
  }
  for (const workspace of added) next = withOwner(next, workspace)
  return next
}

/** Whether a workspace owns anything. */
export const isOwner = (workspace: Workspace | undefined): workspace is Workspace =>
  workspace?.owned_hosts !== undefined || workspace?.owned_paths !== undefined

function withoutOwner(
  owned: Ownership,
  { id, owned_hosts = [], owned_paths = [] }: Workspace,
): Ownership {
  let { hosts, paths } = owned
  for (const host of owned_hosts) if (hosts.get(host) === id) hosts = hosts.without(host)
  for (const path of owned_paths)
    paths = changeKey(paths, normalizePattern(path), (owner) =>
      owner?.workspace === id ? undefined : owner,
    )
  return { hosts, paths }
}

function withOwner(
  owned: Ownership,
  { id, owned_hosts = [], owned_paths = [] }: Workspace,
): Ownership {
  let { hosts, paths } = owned
  for (const host of owned_hosts) hosts = hosts.with(host, id)
  for (const path of owned_paths)
    paths = changeKey(paths, normalizePattern(path), () => ({ workspace: id }))
  return { hosts, paths }
}

/** The workspace whose grant has all hosts of a pattern. `host` is in lower case and without a port. */
export function hostOwner({ hosts }: Ownership, host: string): string | undefined {
  if (hosts.size === 0) return undefined
  for (const pattern of containing(host)) {
    const owner = hosts.get(pattern)
    if (owner !== undefined) return owner
  }
  return undefined
}

/** The workspace whose grant has all paths with a prefix. `path` is normalized. */
export const pathOwner = ({ paths }: Ownership, path: string): string | undefined =>
  paths === undefined ? undefined : findPrefixes(paths, path)?.value.workspace

/** The id of the workspace to which requests to a host and path belong. */
export const ownerOf = (owned: Ownership, host: string, path: string): string | undefined =>
  hostOwner(owned, host) ?? pathOwner(owned, path)
