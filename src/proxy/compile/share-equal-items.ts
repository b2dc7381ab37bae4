import { isDeepStrictEqual } from 'node:util'
import type { CooperativeTask } from '../../lib/cooperative-task.ts'
import type { RadixMap } from '../../lib/radix-map.ts'
import { listNames, type Snapshot } from '../../schema/snapshot.ts'

/**
 * The second snapshot with the items of the first where they are equal: a snapshot that was received whole again then
 * differs in what was changed only.
 */
export function* shareEqualItems(before: Snapshot, after: Snapshot): CooperativeTask<Snapshot> {
  const lists: [string, RadixMap<object>][] = []
  for (const list of listNames)
    lists.push([list, yield* shareItems<object>(before[list], after[list])])
  return Object.fromEntries(lists) as unknown as Snapshot
}

function* shareItems<Item>(
  before: RadixMap<Item>,
  after: RadixMap<Item>,
): CooperativeTask<RadixMap<Item>> {
  if (before.size === 0) return after
  let shared = before
  for (const { key, before: old, after: fresh } of before.differencesTo(after)) {
    yield
    if (fresh === undefined) shared = shared.without(key)
    else if (!isDeepStrictEqual(old, fresh)) shared = shared.with(key, fresh)
  }
  return shared
}
