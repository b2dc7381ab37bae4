import {
  isNode,
  readPlugins,
  resolveReference,
  type Node,
  type OpenApi,
  type Operation,
} from './read-openapi.ts'
import { schemaText } from './schema-text.ts'

/** The route of an operation: its path as a regular expression with named groups for parameters, and request validation. */
export function toRoute(api: OpenApi, operation: Operation & { readonly service: string }): Node {
  const { node, shared, path, method, service } = operation
  const names = [node['x-kong-name'], node['operationId']]
  const named = names.find((name) => typeof name === 'string') ?? `${method} ${path}`
  const validator = validatorFor(api, operation)
  const own = [...readPlugins(shared), ...readPlugins(node)]
  return {
    name: `${service}_${slug(named)}`,
    methods: [method],
    paths: [toPathExpression(path)],
    // A path without parameters precedes one with parameters.
    regex_priority: path.includes('{') ? 100 : 200,
    strip_path: false,
    plugins: [...own, ...(validator === undefined ? [] : [validator])],
  }
}

/** `~/orders/(?<id>[^#?/]+)$` for `/orders/{id}`. */
function toPathExpression(path: string): string {
  const parts = path.split(/\{([^}]+)\}/)
  const expression = parts.map((part, index) =>
    index % 2 === 0
      ? part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
      : `(?<${toGroupName(part)}>[^#?/]+)`,
  )
  return `~${expression.join('')}$`
}

/** A parameter's name as a name of a group. */
const toGroupName = (name: string): string => name.replaceAll(/\W/g, '_').replace(/^(?=\d)/, '_')

function validatorFor(api: OpenApi, operation: Operation): Node | undefined {
  const parameters = listParameters(api, operation)
  const body = bodyValidation(api, operation.node)
  if (parameters.length === 0 && body === undefined) return undefined
  return {
    name: 'request-validator',
    config: {
      version: api.version === '3.0' ? 'draft4' : 'draft202012',
      ...(parameters.length === 0 ? {} : { parameter_schema: parameters }),
      ...body,
    },
  }
}

/** Parameters of the operation and of its path; the operation’s take precedence. Cookies are not validated. */
function listParameters(api: OpenApi, { node, shared }: Operation): Node[] {
  const found = new Map<string, Node>()
  for (const list of [shared['parameters'], node['parameters']]) {
    for (const reference of Array.isArray(list) ? (list as unknown[]) : []) {
      const one = resolveReference(api.root, reference)
      found.set(`${String(one['in'])} ${String(one['name'])}`, one)
    }
  }
  return [...found.values()].flatMap((one) => {
    const { in: where, name, required = false, schema, style, explode } = one
    if (where !== 'path' && where !== 'query' && where !== 'header') return []
    return [
      {
        in: where,
        name: where === 'path' ? toGroupName(String(name)) : name,
        required,
        ...(isNode(schema) ? { schema: schemaText(api, schema) } : {}),
        ...(style === undefined ? {} : { style }),
        ...(explode === undefined ? {} : { explode }),
      },
    ]
  })
}

/** An optional body is not validated, because the plugin's settings cannot mark it as optional. */
function bodyValidation(api: OpenApi, node: Node): Node | undefined {
  if (node['requestBody'] === undefined) return undefined
  const body = resolveReference(api.root, node['requestBody'])
  const content = isNode(body['content']) ? body['content'] : {}
  const types = Object.keys(content)
  const json = types.find((type) => /^application\/(json|[\w.-]+\+json)(;|$)/.test(type))
  const schema =
    json === undefined ? undefined : resolveReference(api.root, content[json])['schema']
  if (body['required'] !== true || !isNode(schema)) return undefined
  return { body_schema: schemaText(api, schema), allowed_content_types: types }
}

/** Text as a name: lower case letters, digits and dashes. */
export const slug = (text: string): string =>
  text
    .normalize('NFKD')
    .toLowerCase()
    .replaceAll(/[^a-z0-9._~]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
