import { uuidv5 } from '../../lib/ids.ts'
import {
  listOperations,
  readPlugins,
  resolveReference,
  unsupported,
  type Node,
  type OpenApi,
} from './read-openapi.ts'
import { slug, toRoute } from './to-route.ts'
import { toTarget } from './to-target.ts'

export type ImportOptions = {
  /** Name of the workspace; the same document in two workspaces creates two services. */
  readonly workspace: string
  /** Name of the service; derived from the title when absent. */
  readonly name?: string | undefined
  /** Replaces the servers of the document. */
  readonly url?: string | undefined
}

/** Ids are derived with this namespace, so that a repeated import keeps them. */
const namespace = 'b3a1f9a4-52a5-5f0e-9d0c-6b7c2b1de0aa'

/**
 * Converts an OpenAPI document to a declarative document: one service, a route per operation, and request validation.
 * Every entity has the tag of the import, which limits what a sync of the document may change.
 */
export function toDocument(api: OpenApi, options: ImportOptions): Node {
  const { root } = api
  const about = resolveReference(root, root['info'])
  const title = options.name ?? root['x-kong-name'] ?? about['title'] ?? ''
  const name = slug(typeof title === 'string' ? title : '')
  if (name === '') throw unsupported('info.title', 'the service needs a name; give one with --name')
  const deriveId = (what: string): string =>
    uuidv5(namespace, `${options.workspace} ${name} ${what}`)
  const { service, upstreams } = toTarget(api, { name, url: options.url })
  const routes = listOperations(root).map((operation) => {
    const route = toRoute(api, { ...operation, service: name })
    return { id: deriveId(`route ${operation.method} ${operation.path}`), ...route }
  })
  return {
    _format_version: '3.0',
    ...(options.workspace === 'default' ? {} : { _workspace: options.workspace }),
    _info: { select_tags: [`openapi-${name}`] },
    services: [{ id: deriveId('service'), ...service, plugins: readPlugins(root), routes }],
    ...(upstreams.length === 0 ? {} : { upstreams }),
  }
}
