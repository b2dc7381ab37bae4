import type { CooperativeTask } from '../../lib/cooperative-task.ts'
import {
  changeGroups,
  changeInGroup,
  groupOf,
  type GroupChanges,
  type RadixGroups,
} from '../../lib/radix-groups.ts'
import { RadixMap, type Difference } from '../../lib/radix-map.ts'

/** The ids of items by what they refer to. */
export type ReverseIndex = RadixGroups<true>

export const emptyIndex: ReverseIndex = RadixMap.empty()

/** Adds the ids of the items that refer to any of these to `touched`. */
export function* touchReferring(
  index: ReverseIndex,
  references: Iterable<{ readonly key: string }>,
  touched: Set<string>,
): CooperativeTask<void> {
  for (const { key } of references) {
    for (const id of groupOf(index, key).keys()) {
      yield
      touched.add(id)
    }
  }
}

/** The index after items changed. */
export function* changeIndex<Item>(
  index: ReverseIndex,
  differences: Iterable<Difference<Item>>,
  referencesOf: (item: Item) => readonly string[],
): CooperativeTask<ReverseIndex> {
  const changes: GroupChanges<true> = new Map()
  for (const { key: id, before, after } of differences) {
    yield
    const old = before === undefined ? [] : referencesOf(before)
    const fresh = after === undefined ? [] : referencesOf(after)
    for (const one of old) if (!fresh.includes(one)) changeInGroup(changes, one, id, undefined)
    for (const one of fresh) if (!old.includes(one)) changeInGroup(changes, one, id, true)
  }
  return yield* changeGroups(index, changes)
}
