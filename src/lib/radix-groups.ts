import type { CooperativeTask } from './cooperative-task.ts'
import { RadixMap } from './radix-map.ts'

/** Immutable maps by a key that their entries share. An empty group is left out. */
export type RadixGroups<Value> = RadixMap<RadixMap<Value>>

export const groupOf = <Value>(groups: RadixGroups<Value>, group: string): RadixMap<Value> =>
  groups.get(group) ?? RadixMap.empty()

/** Values by group and key; undefined removes one. The last change of a key counts. */
export type GroupChanges<Value> = Map<string, Map<string, Value | undefined>>

/** Adds a change. */
export function changeInGroup<Value>(
  changes: GroupChanges<Value>,
  group: string,
  key: string,
  value: Value | undefined,
): void {
  const ofGroup = changes.get(group)
  if (ofGroup === undefined) changes.set(group, new Map([[key, value]]))
  else ofGroup.set(key, value)
}

/** The groups after these changes. */
export function* changeGroups<Value>(
  groups: RadixGroups<Value>,
  changes: GroupChanges<Value>,
): CooperativeTask<RadixGroups<Value>> {
  const changed = new Map<string, RadixMap<Value> | undefined>()
  for (const [group, ofGroup] of changes) {
    yield
    const next = yield* groupOf(groups, group).changeSteps(ofGroup)
    changed.set(group, next.size === 0 ? undefined : next)
  }
  return yield* groups.changeSteps(changed)
}
