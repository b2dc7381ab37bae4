import { everySteps, runToCompletion, type CooperativeTask } from './cooperative-task.ts'

/** An immutable set of items in order; a set that differs in a few items shares all other parts with it. */
export type OrderedSet<Item> = {
  readonly size: number
  /** The first item for which the predicate holds. */
  find(predicate: (item: Item) => boolean): Item | undefined
  /** The items for which the predicate holds; it must hold for none of the first items and for all after them. */
  from(isWithin: (item: Item) => boolean): Iterable<Item>
  /** The items before the first for which the predicate holds, last first; it must hold for all after that one. */
  before(isBeyond: (item: Item) => boolean): Iterable<Item>
  /** The set without some items and with others. */
  with(removed: readonly Item[], added: readonly Item[]): OrderedSet<Item>
}

/** A part is split when it has more items: a change copies the parts it touches and the list of parts. */
const maxPart = 512

type Compare<Item> = (a: Item, b: Item) => number

/** A set of items, none of which equals another. */
export const orderedSet = <Item>(
  items: readonly Item[],
  compare: Compare<Item>,
): OrderedSet<Item> => runToCompletion(buildOrderedSet(items, compare))

/** Items between two points at which a task can be suspended: about a millisecond. */
const slice = 1024

/** Builds a set of items, none of which equals another. */
export function* buildOrderedSet<Item>(
  items: readonly Item[],
  compare: Compare<Item>,
): CooperativeTask<OrderedSet<Item>> {
  let runs: Item[][] = []
  for (let at = 0; at < items.length; at += slice) {
    runs.push(items.slice(at, at + slice).sort(compare))
    yield
  }
  while (runs.length > 1) {
    const merged: Item[][] = []
    for (let at = 0; at < runs.length; at += 2) {
      const [one = [], other = []] = runs.slice(at, at + 2)
      merged.push(yield* mergeRuns(one, other, compare))
    }
    runs = merged
  }
  return setOf(partsOf(runs[0] ?? []), compare)
}

function* mergeRuns<Item>(
  one: readonly Item[],
  other: readonly Item[],
  compare: Compare<Item>,
): CooperativeTask<Item[]> {
  const merged: Item[] = []
  const pause = everySteps(slice)
  let [left, right] = [0, 0]
  while (left < one.length && right < other.length) {
    const [a, b] = [one[left] as Item, other[right] as Item]
    if (compare(a, b) <= 0) {
      merged.push(a)
      left += 1
    } else {
      merged.push(b)
      right += 1
    }
    yield* pause()
  }
  for (; left < one.length; left += 1) merged.push(one[left] as Item)
  for (; right < other.length; right += 1) merged.push(other[right] as Item)
  return merged
}

function setOf<Item>(
  parts: readonly (readonly Item[])[],
  compare: Compare<Item>,
): OrderedSet<Item> {
  return {
    size: parts.reduce((sum, part) => sum + part.length, 0),
    find(predicate) {
      for (const part of parts) for (const item of part) if (predicate(item)) return item
      return undefined
    },
    *from(isWithin) {
      const first = firstIndex(parts, (part) => isWithin(part.at(-1) as Item))
      for (let at = first; at < parts.length; at += 1) {
        const part = parts[at] ?? []
        const start = at === first ? firstIndex(part, isWithin) : 0
        for (let index = start; index < part.length; index += 1) yield part[index] as Item
      }
    },
    *before(isBeyond) {
      const end = firstIndex(parts, (part) => isBeyond(part.at(-1) as Item))
      for (let at = Math.min(end, parts.length - 1); at >= 0; at -= 1) {
        const part = parts[at] ?? []
        const last = at === end ? firstIndex(part, isBeyond) : part.length
        for (let index = last - 1; index >= 0; index -= 1) yield part[index] as Item
      }
    },
    with(removed, added) {
      const next = [...parts]
      const copied = new Set<readonly Item[]>()
      const place = (item: Item): { part: Item[]; at: number; index: number } => {
        const isWithin = (other: Item): boolean => compare(other, item) >= 0
        const found = firstIndex(next, (part) => isWithin(part.at(-1) as Item))
        const at = Math.max(0, Math.min(found, next.length - 1))
        const old = next[at] ?? []
        const part = copied.has(old) ? (old as Item[]) : [...old]
        copied.add(part)
        next[at] = part
        return { part, at, index: firstIndex(part, isWithin) }
      }
      for (const item of removed) {
        const { part, at, index } = place(item)
        const found = part[index]
        if (found === undefined || compare(found, item) !== 0) continue
        part.splice(index, 1)
        if (part.length === 0) next.splice(at, 1)
      }
      for (const item of added) {
        const { part, at, index } = place(item)
        part.splice(index, 0, item)
        if (part.length <= maxPart) continue
        const half = part.splice(maxPart / 2)
        copied.add(half)
        next.splice(at + 1, 0, half)
      }
      return setOf(next, compare)
    },
  }
}

function partsOf<Item>(items: readonly Item[]): Item[][] {
  const parts: Item[][] = []
  for (let at = 0; at < items.length; at += maxPart / 2)
    parts.push(items.slice(at, at + maxPart / 2))
  return parts
}

/** The index of the first item for which the predicate holds, their number when it holds for none. */
function firstIndex<Item>(items: readonly Item[], isWithin: (item: Item) => boolean): number {
  let [low, high] = [0, items.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (isWithin(items[middle] as Item)) high = middle
    else low = middle + 1
  }
  return low
}
