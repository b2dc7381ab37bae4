import SwaggerParser from '@apidevtools/swagger-parser'
import { Problem } from '../../lib/problem.ts'

export type Node = Readonly<Record<string, unknown>>

/** An OpenAPI 3 document whose references are all internal. */
export type OpenApi = {
  readonly root: Node
  /** 3.0 has its own dialect of JSON Schema, 3.1 uses draft 2020-12. */
  readonly version: '3.0' | '3.1'
}

/** Reads an OpenAPI 3.0 or 3.1 document from a file, JSON or YAML, with the files that it refers to. */
export async function readOpenApi(file: string): Promise<OpenApi> {
  const root = (await bundle(file)) as Node
  const version = /^3\.[01]/.exec(String(root['openapi']))?.[0]
  if (version !== '3.0' && version !== '3.1') {
    throw unsupported(
      file,
      `expected openapi 3.0 or 3.1, got ${JSON.stringify(root['openapi'] ?? root['swagger'])}`,
    )
  }
  return { root, version }
}

/** An operation, and the path item with what all of its operations share. */
export type Operation = {
  readonly path: string
  /** In upper case. */
  readonly method: string
  readonly node: Node
  readonly shared: Node
}

/** The operations of a document, in its order. */
export function listOperations(root: Node): readonly Operation[] {
  const paths = resolveReference(root, root['paths'])
  return Object.entries(paths).flatMap(([path, item]) => {
    if (!path.startsWith('/')) return []
    const shared = resolveReference(root, item)
    return methods.flatMap((method) => {
      const node = shared[method]
      return isNode(node) ? [{ path, method: method.toUpperCase(), node, shared }] : []
    })
  })
}

const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'] as const

/** Plugins in extensions of a document, as decK’s openapi2kong reads them: `x-kong-plugin-key-auth`. */
export function readPlugins(node: Node): Node[] {
  return Object.entries(node).flatMap(([name, value]) => {
    if (!name.startsWith(pluginPrefix) || !isNode(value)) return []
    const { name: own, ...rest } = value
    return [{ name: own ?? name.slice(pluginPrefix.length), ...rest }]
  })
}

const pluginPrefix = 'x-kong-plugin-'

/** Resolves references. */
export function resolveReference(root: Node, node: unknown): Node {
  let found: unknown = node
  for (let steps = 0; steps < 100; steps += 1) {
    const reference = isNode(found) ? found['$ref'] : undefined
    if (typeof reference !== 'string') return isNode(found) ? found : {}
    found = resolvePointer(root, reference)
  }
  throw unsupported('$ref', 'circular reference')
}

/** The value at a reference such as `#/components/schemas/Order`. */
export function resolvePointer(root: Node, reference: string): unknown {
  if (!reference.startsWith('#/')) throw unsupported(reference, 'the reference does not resolve')
  const steps = decodeURIComponent(reference.slice(2)).split('/')
  let at: unknown = root
  for (const step of steps) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~')
    at = isNode(at) || Array.isArray(at) ? (at as Node)[name] : undefined
  }
  if (at === undefined) throw unsupported(reference, 'the reference does not resolve')
  return at
}

export const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const unsupported = (where: string, sentence: string): Problem =>
  new Problem('openapi.unusable', 400, `${where}: ${sentence}`)

async function bundle(file: string): Promise<unknown> {
  try {
    const parser = new SwaggerParser()
    return await parser.bundle(file, { resolve: { http: false } })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw unsupported(
      file,
      message.replace(`${file} is`, 'this is').replace(`Error opening file ${file}: `, ''),
    )
  }
}
