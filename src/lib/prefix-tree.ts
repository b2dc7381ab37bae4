/**
 * An immutable map of strings to values that finds the keys with which a text begins: a radix tree. A change copies the
 * nodes between the root and its key and shares all others. The shape of the tree follows from its keys alone.
 */
export type PrefixTree<Value extends object> = Node<Value> | undefined

type Node<Value> = {
  /** The text between the parent and this node; never empty below the root. */
  readonly label: string
  readonly value: Value | undefined
  /** The first codes of the labels of the children, ascending. */
  readonly codes: readonly number[]
  readonly children: readonly Node<Value>[]
}

/** The tree with another value of the key; undefined is no value. */
export function changeKey<Value extends object>(
  tree: PrefixTree<Value>,
  key: string,
  change: (value: Value | undefined) => Value | undefined,
): PrefixTree<Value> {
  const parents: Node<Value>[] = []
  const places: number[] = []
  let node = tree
  let depth = 0
  let next: PrefixTree<Value>
  // A loop, because a chain of keys may be deeper than the stack.
  for (;;) {
    if (node === undefined) {
      next = leafOf(key.slice(depth), change(undefined))
      break
    }
    const shared = countShared(node.label, key, depth)
    depth += shared
    if (shared < node.label.length) {
      next = fork(node, shared, leafOf(key.slice(depth), change(undefined)))
      break
    }
    if (depth === key.length) {
      next = withValue(node, change(node.value))
      break
    }
    const place = findCode(node.codes, key.charCodeAt(depth))
    parents.push(node)
    places.push(place)
    node = place < 0 ? undefined : node.children[place]
  }
  for (let at = parents.length - 1; at >= 0; at -= 1)
    next = withChild(parents[at] as Node<Value>, places[at] as number, next)
  return next
}

type ReadCode = (text: string, depth: number) => number

const readForwards: ReadCode = (text, depth) => text.charCodeAt(depth)
const readBackwards: ReadCode = (text, depth) => text.charCodeAt(text.length - 1 - depth)

/** The value of a key. */
export const valueOf = <Value extends object>(
  tree: PrefixTree<Value>,
  key: string,
): Value | undefined => findValue(tree, key, readForwards)

/** The value of a text whose ASCII letters may be upper case, in a tree whose keys have none that are. */
export const valueIgnoringCase = <Value extends object>(
  tree: PrefixTree<Value>,
  text: string,
): Value | undefined => findValue(tree, text, lowerCode)

function findValue<Value extends object>(
  tree: PrefixTree<Value>,
  text: string,
  codeAt: ReadCode,
): Value | undefined {
  let node = tree
  let depth = 0
  while (node !== undefined) {
    const { label } = node
    const end = depth + label.length
    if (end > text.length) return undefined
    for (let at = 0; depth < end; at += 1, depth += 1)
      if (label.charCodeAt(at) !== codeAt(text, depth)) return undefined
    if (depth === text.length) return node.value
    node = childFor(node, codeAt(text, depth))
  }
  return undefined
}

/** A key with which a text begins or ends, and the next shorter one. */
export type Prefix<Value> = {
  readonly value: Value
  readonly length: number
  readonly shorter: Prefix<Value> | undefined
}

/** The longest key with which the text begins. */
export const findPrefixes = <Value extends object>(
  tree: PrefixTree<Value>,
  text: string,
): Prefix<Value> | undefined => findShorterKeys(tree, text, readForwards)

/** The longest key with which the text ends, in a tree whose keys are reversed. */
export const findSuffixes = <Value extends object>(
  tree: PrefixTree<Value>,
  text: string,
): Prefix<Value> | undefined => findShorterKeys(tree, text, readBackwards)

function findShorterKeys<Value extends object>(
  tree: PrefixTree<Value>,
  text: string,
  codeAt: ReadCode,
): Prefix<Value> | undefined {
  let longest: Prefix<Value> | undefined
  let node = tree
  let depth = 0
  while (node !== undefined) {
    const { label, value } = node
    const end = depth + label.length
    if (end > text.length) break
    for (let at = 0; depth < end; at += 1, depth += 1)
      if (label.charCodeAt(at) !== codeAt(text, depth)) return longest
    if (value !== undefined) longest = { value, length: depth, shorter: longest }
    if (depth === text.length) break
    node = childFor(node, codeAt(text, depth))
  }
  return longest
}

const none: readonly never[] = []

const leafOf = <Value>(label: string, value: Value | undefined): Node<Value> | undefined =>
  value === undefined ? undefined : { label, value, codes: none, children: none }

/** Splits the label of a node to add another below its first part. */
function fork<Value>(
  node: Node<Value>,
  shared: number,
  added: Node<Value> | undefined,
): Node<Value> {
  if (added === undefined) return node
  const { value, codes, children } = node
  const label = node.label.slice(0, shared)
  const lower = { label: node.label.slice(shared), value, codes, children }
  const code = lower.label.charCodeAt(0)
  if (added.label === '') return { label, value: added.value, codes: [code], children: [lower] }
  const addedCode = added.label.charCodeAt(0)
  return code < addedCode
    ? { label, value: undefined, codes: [code, addedCode], children: [lower, added] }
    : { label, value: undefined, codes: [addedCode, code], children: [added, lower] }
}

function withValue<Value>(node: Node<Value>, value: Value | undefined): Node<Value> | undefined {
  if (value === node.value) return node
  return compact({ label: node.label, value, codes: node.codes, children: node.children })
}

function withChild<Value>(
  node: Node<Value>,
  place: number,
  child: Node<Value> | undefined,
): Node<Value> | undefined {
  const { label, value, codes, children } = node
  if (child === (place < 0 ? undefined : children[place])) return node
  if (child === undefined)
    return compact({
      label,
      value,
      codes: codes.toSpliced(place, 1),
      children: children.toSpliced(place, 1),
    })
  if (place >= 0) return { label, value, codes, children: children.with(place, child) }
  return {
    label,
    value,
    codes: codes.toSpliced(~place, 0, child.label.charCodeAt(0)),
    children: children.toSpliced(~place, 0, child),
  }
}

/** A node without a value has at least two children: one with none is dropped, one with a single child is joined with it. */
function compact<Value>(node: Node<Value>): Node<Value> | undefined {
  if (node.value !== undefined || node.children.length > 1) return node
  const [child] = node.children
  if (child === undefined) return undefined
  const { value, codes, children } = child
  return { label: node.label + child.label, value, codes, children }
}

function countShared(label: string, key: string, depth: number): number {
  const most = Math.min(label.length, key.length - depth)
  let at = 0
  while (at < most && label.charCodeAt(at) === key.charCodeAt(depth + at)) at += 1
  return at
}

function childFor<Value>({ codes, children }: Node<Value>, code: number): Node<Value> | undefined {
  const place = findCode(codes, code)
  return place < 0 ? undefined : children[place]
}

/** The index of a code, or the complement of where it belongs. */
function findCode(codes: readonly number[], code: number): number {
  let low = 0
  let high = codes.length
  while (low < high) {
    const middle = (low + high) >> 1
    const other = codes[middle] as number
    if (other === code) return middle
    if (other < code) low = middle + 1
    else high = middle
  }
  return ~low
}

function lowerCode(text: string, at: number): number {
  const code = text.charCodeAt(at)
  return code >= 65 && code <= 90 ? code + 32 : code
}
