import { runToCompletion, type CooperativeTask } from './cooperative-task.ts'
import {
  changeNode,
  compareNodes,
  emptyLeaf,
  findKey,
  foldNode,
  isBranch,
  leafFor,
  leaves,
  nodeOf,
  nodeUnder,
  sizeOf,
  valueIn,
  type Difference,
  type Fold,
  type Node,
} from './radix-node.ts'

export type { Difference, Fold } from './radix-node.ts'

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

  static readonly #empty = new RadixMap<never>(emptyLeaf)

  static empty<Value>(): RadixMap<Value> {
    return RadixMap.#empty
  }

  /** Of several entries with one key, the last counts. */
  static from<Value>(entries: Iterable<readonly [string, Value]>): RadixMap<Value> {
    const sorted = [...new Map(entries)].sort(([a], [b]) => (a < b ? -1 : 1))
    if (sorted.length === 0) return RadixMap.#empty
    const keys = sorted.map(([key]) => key)
    const values = sorted.map(([, value]) => value)
    return new RadixMap(nodeOf(keys, values, 0))
  }

  get size(): number {
    return sizeOf(this.#root)
  }

  get(key: string): Value | undefined {
    return valueIn(leafFor(this.#root, key), key)
  }

  has(key: string): boolean {
    const { keys } = leafFor(this.#root, key)
    return keys[findKey(keys, key)] === key
  }

  /** The map with this entry. */
  with(key: string, value: Value): RadixMap<Value> {
    return this.#withRoot(changeNode(this.#root, 0, { keys: [key], values: [value] }))
  }

  /** The map without this key. */
  without(key: string): RadixMap<Value> {
    return this.#withRoot(changeNode(this.#root, 0, { keys: [key], values: [undefined] }))
  }

  /** The map with other values of some keys, at less cost than one after the other; undefined removes a key. */
  withChanges(changes: ReadonlyMap<string, Value | undefined>): RadixMap<Value> {
    return runToCompletion(this.changeSteps(changes))
  }

  /** `withChanges` as a cooperative task. */
  *changeSteps(changes: ReadonlyMap<string, Value | undefined>): CooperativeTask<RadixMap<Value>> {
    let root = this.#root
    const keys = [...changes.keys()]
    for (let at = 0; at < keys.length; at += slice) {
      yield
      const some = keys.slice(at, at + slice).sort()
      root = changeNode(root, 0, { keys: some, values: some.map((key) => changes.get(key)) })
    }
    return this.#withRoot(root)
  }

  *entries(): MapIterator<[string, Value]> {
    for (const { keys, values } of leaves(this.#root))
      for (let at = 0; at < keys.length; at += 1) yield [keys[at] as string, values[at] as Value]
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
    for (const [key, value] of this.entries()) visit(value, key, this)
  }

  /** The values whose keys begin with a text, in order of these. Reads no further than it is iterated. */
  *under(prefix: string): Generator<Value> {
    for (const { keys, values } of leaves(nodeUnder(this.#root, prefix)))
      for (const [at, key] of keys.entries()) if (key.startsWith(prefix)) yield values[at] as Value
  }

  /** The keys whose values are not identical in the two maps, in order. Skips what the maps share. */
  differencesTo(after: RadixMap<Value>): Iterable<Difference<Value>> {
    return this.#root === after.#root ? [] : compareNodes(this.#root, after.#root)
  }

  /** Computes a result from the leaves up. Results of nodes are taken from `known`, so that only new nodes are computed. */
  fold<Result extends NonNullable<unknown>>(
    known: WeakMap<object, Result>,
    steps: Fold<Value, Result>,
  ): Result {
    return runToCompletion(this.foldSteps(known, steps))
  }

  /** `fold` over the values whose keys begin with a text. */
  foldUnder<Result extends NonNullable<unknown>>(
    prefix: string,
    known: WeakMap<object, Result>,
    steps: Fold<Value, Result>,
  ): Result {
    const node = nodeUnder(this.#root, prefix)
    if (isBranch(node)) return runToCompletion(foldNode(node, known, steps))
    return steps.leaf(node.values.filter((_, at) => node.keys[at]?.startsWith(prefix)))
  }

  /** `fold` as a cooperative task. */
  foldSteps<Result extends NonNullable<unknown>>(
    known: WeakMap<object, Result>,
    steps: Fold<Value, Result>,
  ): CooperativeTask<Result> {
    return foldNode(this.#root, known, steps)
  }

  #withRoot(root: Node<Value>): RadixMap<Value> {
    return root === this.#root ? this : new RadixMap(root)
  }
}

/** Changes between two points at which a task can be suspended: less than a millisecond. */
const slice = 512

/**
 * A map by a key that values have themselves, after some values changed. A key may pass from one value to another: all
 * are removed before any is added.
 */
export function* changeByKey<Value>(
  map: RadixMap<Value>,
  differences: Iterable<Difference<Value>>,
  keyOf: (value: Value) => string,
): CooperativeTask<RadixMap<Value>> {
  const changes = new Map<string, Value | undefined>()
  const added: Value[] = []
  for (const { before, after } of differences) {
    yield
    if (before !== undefined) changes.set(keyOf(before), undefined)
    if (after !== undefined) added.push(after)
  }
  for (const value of added) changes.set(keyOf(value), value)
  return yield* map.changeSteps(changes)
}
