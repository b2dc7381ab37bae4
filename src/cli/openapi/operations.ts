import { follow, isNode, type Node } from './read-openapi.ts'

/** An operation, and the path item with what all of its operations share. */
export type Operation = {
  readonly path: string
  /** In upper case. */
  readonly method: string
  readonly node: Node
  readonly shared: Node
}

/** The operations of a document, in its order. */
export function operationsIn(root: Node): readonly Operation[] {
  const paths = follow(root, root['paths'])
  return Object.entries(paths).flatMap(([path, item]) => {
    if (!path.startsWith('/')) return []
    const shared = follow(root, item)
    return methods.flatMap((method) => {
      const node = shared[method]
      return isNode(node) ? [{ path, method: method.toUpperCase(), node, shared }] : []
    })
  })
}

const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'] as const
