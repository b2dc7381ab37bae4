import type { Exchange } from '../../proxy/exchange.ts'

/** Serialization styles of OpenAPI. */
export const parameterStyles = [
  'label',
  'form',
  'matrix',
  'simple',
  'spaceDelimited',
  'pipeDelimited',
  'deepObject',
] as const

/** Location and serialization of a parameter. */
export type ParameterLocation = {
  readonly in: 'query' | 'header' | 'path'
  readonly name: string
  readonly style: (typeof parameterStyles)[number] | null
  readonly explode: boolean | null
  /** Type of its schema. */
  readonly kind: ParameterKind
}

export type ParameterKind = 'array' | 'object' | 'other'

type Parts = string | readonly string[] | Readonly<Record<string, string>>

/** Reads a parameter of a request as text, or as array or object of texts if its schema has that type; undefined when absent. */
export function readParameter(exchange: Exchange, location: ParameterLocation): Parts | undefined {
  const { in: where, name } = location
  if (where === 'query') return readQuery(new URLSearchParams(exchange.request.query), location)
  const text =
    where === 'header'
      ? exchange.request.headers.get(name.toLowerCase())
      : decoded(exchange.captures.named[name])
  return text === undefined ? undefined : split(withoutPrefix(text, location), location)
}

function readQuery(query: URLSearchParams, location: ParameterLocation): Parts | undefined {
  const { name, style, explode } = location
  const { kind } = location
  if (style === 'deepObject') return deepObject(query, name)
  const values = query.getAll(name)
  if (kind === 'object' && explode !== false) {
    const all = Object.fromEntries(query)
    return Object.keys(all).length === 0 ? undefined : all
  }
  const [first] = values
  if (first === undefined) return undefined
  if (kind === 'array' && explode !== false && isForm(location)) return values
  return split(first, location)
}

const isForm = ({ style }: ParameterLocation): boolean => style === null || style === 'form'

function deepObject(
  query: URLSearchParams,
  name: string,
): Readonly<Record<string, string>> | undefined {
  const found = [...query].flatMap(([key, value]) => {
    const isOwn = key.startsWith(`${name}[`) && key.endsWith(']')
    return isOwn ? [[key.slice(name.length + 1, -1), value] as const] : []
  })
  return found.length === 0 ? undefined : Object.fromEntries(found)
}

/** Removes the prefix that label and matrix add to a value. */
function withoutPrefix(text: string, { style, name }: ParameterLocation): string {
  if (style === 'label') return text.replace(/^\./, '')
  if (style === 'matrix') return text.replace(/^;/, '').replace(`${name}=`, '')
  return text
}

function split(text: string, location: ParameterLocation): Parts {
  const { kind } = location
  if (kind === 'other') return text
  const parts = text.split(separatorOf(location))
  if (kind === 'array') return parts
  if (location.explode === true) {
    return Object.fromEntries(parts.map((part) => pairOf(part)))
  }
  const pairs = parts.flatMap((part, index) =>
    index % 2 === 0 ? [[part, parts[index + 1] ?? ''] as const] : [],
  )
  return Object.fromEntries(pairs)
}

function pairOf(part: string): readonly [string, string] {
  const at = part.indexOf('=')
  return at < 0 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)]
}

function separatorOf({ style, explode }: ParameterLocation): string {
  if (style === 'spaceDelimited') return ' '
  if (style === 'pipeDelimited') return '|'
  if (style === 'label' && explode === true) return '.'
  return style === 'matrix' && explode === true ? ';' : ','
}

/** The type of a parameter's schema, which determines how its text is split. */
export function kindOf(schema: string | null): ParameterKind {
  const { type } = JSON.parse(schema ?? '{}') as { type?: unknown }
  const types = [type].flat()
  return types.includes('array') ? 'array' : types.includes('object') ? 'object' : 'other'
}

function decoded(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  try {
    return decodeURIComponent(text)
  } catch {
    // Not percent-encoded: it is validated as it stands.
    return text
  }
}
