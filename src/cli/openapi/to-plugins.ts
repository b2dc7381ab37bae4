import { isNode, type Node } from './read-openapi.ts'

const prefix = 'x-kong-plugin-'

/** Plugins in extensions of a document, as decK’s openapi2kong reads them: `x-kong-plugin-key-auth`. */
export function pluginsIn(node: Node): Node[] {
  return Object.entries(node).flatMap(([name, value]) => {
    if (!name.startsWith(prefix) || !isNode(value)) return []
    const { name: own, ...rest } = value
    return [{ name: own ?? name.slice(prefix.length), ...rest }]
  })
}
