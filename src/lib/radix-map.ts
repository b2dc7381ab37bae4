import { runToCompletion, type CooperativeTask } from './cooperative-task.ts'

/**
 * An immutable map of strings to values in the order of their keys, as a radix tree. A map that differs in a few keys
 * shares all other nodes with the one it was made from, so that making it, comparing the two and folding it again cost
 * what differs. The shape of the tree follows from the keys alone, not from the history of changes.
 */
export class RadixMap<Value> implements ReadonlyMap<string, Value> {
  readonly #root: Node<Value>

  private constructor(root: Node<Value>) {
    this.#root = root
  }

  static readonly #empty = new RadixMap<never>({ keys: [], values: [] })

  static empty<Value>(): RadixMap<Value> {
    return RadixMap.#empty
  }

  /** Of several entries with one key, the last counts. */
  static from<Value>(entries: Iterable<readonly [string, Value]>): RadixMap<Value> {
    const sorted = [...new Map(entries)].sort(([a], [b]) => (a < b ? -1 : 1))
    return sorted.length === 0 ? RadixMap.#empty : new RadixMap(nodeOf(sorted, 0))
  }

  get size(): number {
    return sizeOf(this.#root)
  }

  get(key: string): Value | undefined {
    const leaf = leafFor(this.#root, key)
    const at = findKey(leaf.keys, key)
    return leaf.keys[at] === key ? leaf.values[at] : undefined
  }

  has(key: string): boolean {
    const { keys } = leafFor(this.#root, key)
    return keys[findKey(keys, key)] === key
  }

  /** The map with this entry. */
  with(key: string, value: Value): RadixMap<Value> {
    const root = put(this.#root, 0, key, value)
    return root === this.#root ? this : new RadixMap(root)
  }

  /** The map without this key. */
  without(key: string): RadixMap<Value> {
    const root = remove(this.#root, 0, key)
    return root === this.#root ? this : new RadixMap(root)
  }

  *entries(): MapIterator<[string, Value]> {
    yield* iterate(this.#root)
  }

  *keys(): MapIterator<string> {
    for (const leaf of leaves(this.#root)) yield* leaf.keys
  }

  *values(): MapIterator<Value> {
    for (const leaf of leaves(this.#root)) yield* leaf.values
  }

  [Symbol.iterator](): MapIterator<[string, Value]> {
    return this.entries()
  }

  forEach(visit: (value: Value, key: string, map: ReadonlyMap<string, Value>) => void): void {
    for (const [key, value] of iterate(this.#root)) visit(value, key, this)
  }

  /** The keys whose values are not identical in the two maps, in order. Skips what the maps share. */
  differencesTo(after: RadixMap<Value>): Iterable<Difference<Value>> {
    return compare(this.#root, after.#root, 0)
  }

  /** Computes a result from the leaves up. Results of nodes are taken from `known`, so that only new nodes are computed. */
  fold<Result>(known: WeakMap<object, Result>, steps: Fold<Value, Result>): Result {
    return runToCompletion(this.foldSteps(known, steps))
  }

  /** `fold` as a cooperative task. */
  foldSteps<Result>(
    known: WeakMap<object, Result>,
    steps: Fold<Value, Result>,
  ): CooperativeTask<Result> {
    return foldNode(this.#root, known, steps)
  }
}

/** What a key has in two maps; undefined where it is missing. */
export type Difference<Value> = {
  readonly key: string
  readonly before: Value | undefined
  readonly after: Value | undefined
}

/** How the nodes of a map are folded. The codes of a branch are the UTF-16 codes that its parts differ in. */
export type Fold<Value, Result> = {
  leaf(values: readonly Value[]): Result
  branch(codes: readonly number[], parts: readonly Result[]): Result
}

/** Entries in order of their keys. */
type Leaf<Value> = { readonly keys: readonly string[]; readonly values: readonly Value[] }

/** Entries by the code of their keys at the depth of the node. */
type Branch<Value> = {
  /** Ascending; `ended` for a key that is not longer than the depth. */
  readonly codes: readonly number[]
  readonly children: readonly Node<Value>[]
  readonly size: number
}

type Node<Value> = Leaf<Value> | Branch<Value>

/** A node with more entries is a branch, every other one is a leaf. */
const maxLeaf = 32

const ended = -1

const isBranch = <Value>(node: Node<Value>): node is Branch<Value> => 'codes' in node

const sizeOf = (node: Node<unknown>): number => (isBranch(node) ? node.size : node.keys.length)

const codeAt = (key: string, depth: number): number =>
  depth < key.length ? key.charCodeAt(depth) : ended

function nodeOf<Value>(sorted: readonly (readonly [string, Value])[], depth: number): Node<Value> {
  if (sorted.length <= maxLeaf)
    return { keys: sorted.map(([key]) => key), values: sorted.map(([, value]) => value) }
  const groups = Map.groupBy(sorted, ([key]) => codeAt(key, depth))
  const children = [...groups.values()].map((group) => nodeOf(group, depth + 1))
  return { codes: [...groups.keys()], children, size: sorted.length }
}

/** The only leaf that can have a key. */
function leafFor<Value>(root: Node<Value>, key: string): Leaf<Value> {
  let node = root
  for (let depth = 0; isBranch(node); depth += 1) node = childOf(node, codeAt(key, depth))
  return node
}

/** The index of a code, or the complement of where it belongs. */
function findCode(codes: readonly number[], code: number): number {
  for (let at = 0; at < codes.length; at += 1) {
    const other = codes[at] as number
    if (other >= code) return other === code ? at : ~at
  }
  return ~codes.length
}

/** The index of the first key that is not less. */
function findKey(keys: readonly string[], key: string): number {
  let [low, high] = [0, keys.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((keys[middle] as string) < key) low = middle + 1
    else high = middle
  }
  return low
}

function put<Value>(node: Node<Value>, depth: number, key: string, value: Value): Node<Value> {
  if (!isBranch(node)) return putInLeaf(node, depth, key, value)
  const code = codeAt(key, depth)
  const at = findCode(node.codes, code)
  if (at < 0) {
    return {
      codes: node.codes.toSpliced(~at, 0, code),
      children: node.children.toSpliced(~at, 0, { keys: [key], values: [value] }),
      size: node.size + 1,
    }
  }
  const child = node.children[at] as Node<Value>
  const next = put(child, depth + 1, key, value)
  if (next === child) return node
  const size = node.size + sizeOf(next) - sizeOf(child)
  return { codes: node.codes, children: node.children.with(at, next), size }
}

function putInLeaf<Value>(
  { keys, values }: Leaf<Value>,
  depth: number,
  key: string,
  value: Value,
): Node<Value> {
  const at = findKey(keys, key)
  if (keys[at] === key) return { keys, values: values.with(at, value) }
  const leaf = { keys: keys.toSpliced(at, 0, key), values: values.toSpliced(at, 0, value) }
  return leaf.keys.length <= maxLeaf ? leaf : nodeOf([...entriesOf(leaf)], depth)
}

function remove<Value>(node: Node<Value>, depth: number, key: string): Node<Value> {
  if (!isBranch(node)) {
    const at = findKey(node.keys, key)
    if (node.keys[at] !== key) return node
    return { keys: node.keys.toSpliced(at, 1), values: node.values.toSpliced(at, 1) }
  }
  const at = findCode(node.codes, codeAt(key, depth))
  if (at < 0) return node
  const child = node.children[at] as Node<Value>
  const next = remove(child, depth + 1, key)
  if (next === child) return node
  const size = node.size - 1
  const isGone = sizeOf(next) === 0
  const codes = isGone ? node.codes.toSpliced(at, 1) : node.codes
  const children = isGone ? node.children.toSpliced(at, 1) : node.children.with(at, next)
  const branch = { codes, children, size }
  return size > maxLeaf ? branch : nodeOf([...iterate(branch)], depth)
}

function* leaves<Value>(node: Node<Value>): Generator<Leaf<Value>> {
  if (!isBranch(node)) yield node
  else for (const child of node.children) yield* leaves(child)
}

function* entriesOf<Value>({ keys, values }: Leaf<Value>): Generator<[string, Value]> {
  for (let at = 0; at < keys.length; at += 1) yield [keys[at] as string, values[at] as Value]
}

function* iterate<Value>(node: Node<Value>): Generator<[string, Value]> {
  for (const leaf of leaves(node)) yield* entriesOf(leaf)
}

function* compare<Value>(
  before: Node<Value>,
  after: Node<Value>,
  depth: number,
): Generator<Difference<Value>> {
  if (before === after) return
  if (isBranch(before) || isBranch(after)) {
    const [was, is] = [branchOf(before, depth), branchOf(after, depth)]
    const codes = new Set([...was.codes, ...is.codes])
    for (const code of [...codes].sort((a, b) => a - b)) {
      yield* compare(childOf(was, code), childOf(is, code), depth + 1)
    }
    return
  }
  const [was, is] = [new Map(entriesOf(before)), new Map(entriesOf(after))]
  const keys = new Set([...was.keys(), ...is.keys()])
  for (const key of [...keys].sort()) {
    const [old, fresh] = [was.get(key), is.get(key)]
    if (old !== fresh || was.has(key) !== is.has(key)) yield { key, before: old, after: fresh }
  }
}

/** A node as a branch, so that a leaf is compared with a branch child by child. */
function branchOf<Value>(node: Node<Value>, depth: number): Branch<Value> {
  if (isBranch(node)) return node
  const groups = Map.groupBy(entriesOf(node), ([key]) => codeAt(key, depth))
  const children = [...groups.values()].map((group) => nodeOf(group, depth + 1))
  return { codes: [...groups.keys()], children, size: node.keys.length }
}

const childOf = <Value>({ codes, children }: Branch<Value>, code: number): Node<Value> =>
  children[findCode(codes, code)] ?? { keys: [], values: [] }

function* foldNode<Value, Result>(
  node: Node<Value>,
  known: WeakMap<object, Result>,
  steps: Fold<Value, Result>,
): CooperativeTask<Result> {
  if (known.has(node)) return known.get(node) as Result
  yield
  let result: Result
  if (isBranch(node)) {
    const parts: Result[] = []
    for (const child of node.children) {
      parts.push(
        known.has(child) ? (known.get(child) as Result) : yield* foldNode(child, known, steps),
      )
    }
    result = steps.branch(node.codes, parts)
  } else {
    result = steps.leaf(node.values)
  }
  known.set(node, result)
  return result
}

/**
 * A map by a key that values have themselves, after some values changed. A key may pass from one value to another: all
 * are removed before any is added.
 */
export function* changeByKey<Value>(
  map: RadixMap<Value>,
  differences: Iterable<Difference<Value>>,
  keyOf: (value: Value) => string,
): CooperativeTask<RadixMap<Value>> {
  let changed = map
  const added: Value[] = []
  for (const { before, after } of differences) {
    yield
    if (before !== undefined) changed = changed.without(keyOf(before))
    if (after !== undefined) added.push(after)
  }
  for (const value of added) {
    yield
    changed = changed.with(keyOf(value), value)
  }
  return changed
}
