import { isDeepStrictEqual } from 'node:util'
import type { CooperativeTask } from '../../lib/cooperative-task.ts'
import type { RadixMap } from '../../lib/radix-map.ts'
import { listNames, type Snapshot } from '../../schema/snapshot.ts'

/** A snapshot as it was received, and with the items of earlier ones where these are equal. */
export type SharedSnapshot = { readonly received: Snapshot; readonly shared: Snapshot }

/**
 * The next snapshot with the items of the previous one where they are equal: a snapshot that was received completely again then
 * differs in changed items only. The cost depends on the differences between the two as received.
 */
export function* shareEqualItems(
  { received, shared }: SharedSnapshot,
  next: Snapshot,
): CooperativeTask<Snapshot> {
  const lists: [string, RadixMap<object>][] = []
  for (const list of listNames)
    lists.push([list, yield* shareItems<object>(received[list], shared[list], next[list])])
  return Object.fromEntries(lists) as unknown as Snapshot
}

function* shareItems<Item>(
  received: RadixMap<Item>,
  before: RadixMap<Item>,
  next: RadixMap<Item>,
): CooperativeTask<RadixMap<Item>> {
  if (before.size === 0) return next
  let shared = before
  for (const { key, after } of received.differencesTo(next)) {
    yield
    if (after === undefined) shared = shared.without(key)
    else if (!isDeepStrictEqual(shared.get(key), after)) shared = shared.with(key, after)
  }
  return shared
}
