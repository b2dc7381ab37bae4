import type { CooperativeTask } from './cooperative-task.ts'

/** Entries in order of their keys. */
export type Leaf<Value> = { readonly keys: readonly string[]; readonly values: readonly Value[] }

/** Entries by the code of their keys at the depth of the node. */
export type Branch<Value> = {
  /** Ascending; `ended` for a key that is not longer than the depth. */
  readonly codes: readonly number[]
  readonly children: readonly Node<Value>[]
  readonly size: number
}

export type Node<Value> = Leaf<Value> | Branch<Value>

/** A node with more entries is a branch, every other one is a leaf. */
const maxLeaf = 32

const ended = -1

export const emptyLeaf: Leaf<never> = { keys: [], values: [] }

export const isBranch = <Value>(node: Node<Value>): node is Branch<Value> => 'codes' in node

export const sizeOf = (node: Node<unknown>): number =>
  isBranch(node) ? node.size : node.keys.length

const codeAt = (key: string, depth: number): number =>
  depth < key.length ? key.charCodeAt(depth) : ended

/** The only leaf that can have a key. */
export function leafFor<Value>(root: Node<Value>, key: string): Leaf<Value> {
  let node = root
  for (let depth = 0; isBranch(node); depth += 1) node = childOf(node, codeAt(key, depth))
  return node
}

/** The node of all keys that begin with a text; a leaf can have others too. */
export function nodeUnder<Value>(root: Node<Value>, prefix: string): Node<Value> {
  let node = root
  for (let depth = 0; depth < prefix.length && isBranch(node); depth += 1)
    node = childOf(node, prefix.charCodeAt(depth))
  return node
}

/** The index of the first key that is not less. */
export function findKey(keys: readonly string[], key: string): number {
  let [low, high] = [0, keys.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((keys[middle] as string) < key) low = middle + 1
    else high = middle
  }
  return low
}

/** Keys in order, each once, and their values; undefined removes a key. */
export type Changes<Value> = {
  readonly keys: readonly string[]
  readonly values: readonly (Value | undefined)[]
}

/** The node after the changes from `start` to `end`; the same node when they change nothing. */
export function changeNode<Value>(
  node: Node<Value>,
  depth: number,
  changes: Changes<Value>,
  start = 0,
  end = changes.keys.length,
): Node<Value> {
  if (!isBranch(node)) return changeLeaf(node, depth, changes, start, end)
  const { codes, children } = node
  let nextCodes = codes
  let nextChildren = children
  let size = node.size
  for (let at = start; at < end;) {
    const code = codeAt(changes.keys[at] as string, depth)
    const stop = endOfCode(changes.keys, depth, code, at, end)
    const place = findCode(nextCodes, code)
    const child = place < 0 ? emptyLeaf : (nextChildren[place] as Node<Value>)
    const next = changeNode<Value>(child, depth + 1, changes, at, stop)
    at = stop
    if (next === child) continue
    size += sizeOf(next) - sizeOf(child)
    if (place < 0) {
      nextCodes = nextCodes.toSpliced(~place, 0, code)
      nextChildren = nextChildren.toSpliced(~place, 0, next)
    } else if (sizeOf(next) === 0) {
      nextCodes = nextCodes.toSpliced(place, 1)
      nextChildren = nextChildren.toSpliced(place, 1)
    } else {
      nextChildren = nextChildren.with(place, next)
    }
  }
  if (nextChildren === children) return node
  const branch = { codes: nextCodes, children: nextChildren, size }
  return size > maxLeaf ? branch : joinLeaves(branch)
}

function changeLeaf<Value>(
  leaf: Leaf<Value>,
  depth: number,
  changes: Changes<Value>,
  start: number,
  end: number,
): Node<Value> {
  const keys: string[] = []
  const values: Value[] = []
  let isSame = true
  let hasSameKeys = true
  let at = 0
  for (let next = start; next < end; next += 1) {
    const key = changes.keys[next] as string
    const value = changes.values[next]
    while (at < leaf.keys.length && (leaf.keys[at] as string) < key) {
      keys.push(leaf.keys[at] as string)
      values.push(leaf.values[at] as Value)
      at += 1
    }
    const isKnown = leaf.keys[at] === key
    if (isKnown !== (value !== undefined)) hasSameKeys = false
    if ((isKnown ? leaf.values[at] : undefined) !== value) isSame = false
    if (isKnown) at += 1
    if (value === undefined) continue
    keys.push(key)
    values.push(value)
  }
  if (isSame) return leaf
  for (; at < leaf.keys.length; at += 1) {
    keys.push(leaf.keys[at] as string)
    values.push(leaf.values[at] as Value)
  }
  if (hasSameKeys) return { keys: leaf.keys, values: trimmed(values) }
  return nodeOf(keys, values, depth)
}

/** The canonical node of entries in order of their keys. */
export function nodeOf<Value>(
  keys: readonly string[],
  values: readonly Value[],
  depth: number,
  start = 0,
  end = keys.length,
): Node<Value> {
  if (end - start <= maxLeaf)
    return { keys: keys.slice(start, end), values: values.slice(start, end) }
  const codes: number[] = []
  const children: Node<Value>[] = []
  for (let at = start; at < end;) {
    const code = codeAt(keys[at] as string, depth)
    const stop = endOfCode(keys, depth, code, at, end)
    codes.push(code)
    children.push(nodeOf(keys, values, depth + 1, at, stop))
    at = stop
  }
  return { codes: trimmed(codes), children: trimmed(children), size: end - start }
}

/** A copy without the room for 16 more items that V8 gives an array which grew. */
const trimmed = <Item>(grown: readonly Item[]): readonly Item[] => grown.slice()

/** The end of the keys with the same code as the first. */
function endOfCode(
  keys: readonly string[],
  depth: number,
  code: number,
  start: number,
  end: number,
): number {
  if (codeAt(keys[end - 1] as string, depth) === code) return end
  let [low, high] = [start + 1, end - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if (codeAt(keys[middle] as string, depth) === code) low = middle + 1
    else high = middle
  }
  return low
}

function joinLeaves<Value>(node: Node<Value>): Leaf<Value> {
  const keys: string[] = []
  const values: Value[] = []
  for (const leaf of leaves(node)) {
    keys.push(...leaf.keys)
    values.push(...leaf.values)
  }
  return { keys: trimmed(keys), values: trimmed(values) }
}

/** The leaves of a node in order. */
export function* leaves<Value>(node: Node<Value>): Generator<Leaf<Value>> {
  const rest = [node]
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    if (isBranch(next)) rest.push(...next.children.toReversed())
    else yield next
  }
}

/** Values of a key in two maps; undefined when missing. */
export type Difference<Value> = {
  readonly key: string
  readonly before: Value | undefined
  readonly after: Value | undefined
}

/** The keys whose values are not identical below two nodes, in order. Skips what they share. */
export function* compareNodes<Value>(
  before: Node<Value>,
  after: Node<Value>,
): Generator<Difference<Value>> {
  const rest: Pair<Value>[] = [{ before, after, depth: 0 }]
  for (let pair = rest.pop(); pair !== undefined; pair = rest.pop()) {
    if (pair.before === pair.after) continue
    if (isBranch(pair.before) || isBranch(pair.after)) pushChildren(rest, pair)
    else yield* compareLeaves(pair.before, pair.after)
  }
}

type Pair<Value> = {
  readonly before: Node<Value>
  readonly after: Node<Value>
  readonly depth: number
}

/** Adds the children that are not the same in both, the last first. */
function pushChildren<Value>(rest: Pair<Value>[], { before, after, depth }: Pair<Value>): void {
  const was = branchOf(before, depth)
  const is = branchOf(after, depth)
  let left = was.codes.length - 1
  let right = is.codes.length - 1
  while (left >= 0 || right >= 0) {
    const old = left < 0 ? Number.NEGATIVE_INFINITY : (was.codes[left] as number)
    const fresh = right < 0 ? Number.NEGATIVE_INFINITY : (is.codes[right] as number)
    const own = old < fresh ? emptyLeaf : (was.children[left] as Node<Value>)
    const other = fresh < old ? emptyLeaf : (is.children[right] as Node<Value>)
    if (own !== other) rest.push({ before: own, after: other, depth: depth + 1 })
    if (old >= fresh) left -= 1
    if (fresh >= old) right -= 1
  }
}

/** A node as a branch, so that a leaf is compared with a branch child by child. */
function branchOf<Value>(node: Node<Value>, depth: number): Branch<Value> {
  if (isBranch(node)) return node
  const { keys, values } = node
  const codes: number[] = []
  const children: Node<Value>[] = []
  for (let at = 0; at < keys.length;) {
    const code = codeAt(keys[at] as string, depth)
    const stop = endOfCode(keys, depth, code, at, keys.length)
    codes.push(code)
    children.push({ keys: keys.slice(at, stop), values: values.slice(at, stop) })
    at = stop
  }
  return { codes, children, size: keys.length }
}

function* compareLeaves<Value>(
  before: Leaf<Value>,
  after: Leaf<Value>,
): Generator<Difference<Value>> {
  let [left, right] = [0, 0]
  while (left < before.keys.length || right < after.keys.length) {
    const [old, fresh] = [before.keys[left], after.keys[right]]
    const order = orderOf(old, fresh)
    const was = order <= 0 ? before.values[left] : undefined
    const is = order >= 0 ? after.values[right] : undefined
    if (was !== is) yield { key: (order <= 0 ? old : fresh) as string, before: was, after: is }
    if (order <= 0) left += 1
    if (order >= 0) right += 1
  }
}

/** The order of the next keys of two lists; undefined at the end of a list. */
function orderOf(one: string | undefined, other: string | undefined): number {
  if (one === other) return 0
  if (one === undefined) return 1
  return other === undefined || one < other ? -1 : 1
}

/** The value of a key in a leaf. */
export function valueIn<Value>({ keys, values }: Leaf<Value>, key: string): Value | undefined {
  const at = findKey(keys, key)
  return keys[at] === key ? values[at] : undefined
}

/** The index of a code, or the complement of where it belongs. */
function findCode(codes: readonly number[], code: number): number {
  for (let at = 0; at < codes.length; at += 1) {
    const other = codes[at] as number
    if (other >= code) return other === code ? at : ~at
  }
  return ~codes.length
}

const childOf = <Value>({ codes, children }: Branch<Value>, code: number): Node<Value> =>
  children[findCode(codes, code)] ?? emptyLeaf

/** The codes of a branch are the UTF-16 codes in which its parts differ. */
export type Fold<Value, Result> = {
  leaf(values: readonly Value[]): Result
  branch(codes: readonly number[], parts: readonly Result[]): Result
}

/** Computes a result from the leaves up. Results of nodes are taken from `known`, so that only new nodes are computed. */
export function* foldNode<Value, Result extends NonNullable<unknown>>(
  node: Node<Value>,
  known: WeakMap<object, Result>,
  steps: Fold<Value, Result>,
): CooperativeTask<Result> {
  const found = known.get(node)
  if (found !== undefined) return found
  yield
  let result: Result
  if (isBranch(node)) {
    const parts: Result[] = []
    for (const child of node.children)
      parts.push(known.get(child) ?? (yield* foldNode(child, known, steps)))
    result = steps.branch(node.codes, parts)
  } else {
    result = steps.leaf(node.values)
  }
  known.set(node, result)
  return result
}
