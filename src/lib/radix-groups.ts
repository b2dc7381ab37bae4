import { RadixMap } from './radix-map.ts'

/** Immutable maps by a key that their entries share. An empty group is left out. */
export type RadixGroups<Value> = RadixMap<RadixMap<Value>>

export const groupOf = <Value>(groups: RadixGroups<Value>, group: string): RadixMap<Value> =>
  groups.get(group) ?? RadixMap.empty()

export const addToGroup = <Value>(
  groups: RadixGroups<Value>,
  group: string,
  key: string,
  value: Value,
): RadixGroups<Value> => groups.with(group, groupOf(groups, group).with(key, value))

export function removeFromGroup<Value>(
  groups: RadixGroups<Value>,
  group: string,
  key: string,
): RadixGroups<Value> {
  const rest = groupOf(groups, group).without(key)
  return rest.size === 0 ? groups.without(group) : groups.with(group, rest)
}
