import type { Exchange } from '../../proxy/exchange.ts'

/** How OpenAPI writes values that have parts. */
export const parameterStyles = [
  'label',
  'form',
  'matrix',
  'simple',
  'spaceDelimited',
  'pipeDelimited',
  'deepObject',
] as const

/** Where a parameter stands and how it is written. */
export type ParameterPlace = {
  readonly in: 'query' | 'header' | 'path'
  readonly name: string
  readonly style: (typeof parameterStyles)[number] | null
  readonly explode: boolean | null
  /** What its schema wants. */
  readonly kind: ParameterKind
}

/** A list, a record, or one value. */
export type ParameterKind = 'array' | 'object' | 'other'

type Parts = string | readonly string[] | Readonly<Record<string, string>>

/** A parameter of a request as text, or as a list or record of texts where its schema wants one; undefined when it is not there. */
export function readParameter(exchange: Exchange, place: ParameterPlace): Parts | undefined {
  const { in: where, name } = place
  if (where === 'query') return readQuery(new URLSearchParams(exchange.request.query), place)
  const text =
    where === 'header'
      ? exchange.request.headers.get(name.toLowerCase())
      : decoded(exchange.captures.named[name])
  return text === undefined ? undefined : split(undecorated(text, place), place)
}

function readQuery(query: URLSearchParams, place: ParameterPlace): Parts | undefined {
  const { name, style, explode } = place
  const { kind } = place
  if (style === 'deepObject') return deepObject(query, name)
  const values = query.getAll(name)
  if (kind === 'object' && explode !== false) {
    const all = Object.fromEntries(query)
    return Object.keys(all).length === 0 ? undefined : all
  }
  const [first] = values
  if (first === undefined) return undefined
  if (kind === 'array' && explode !== false && isForm(place)) return values
  return split(first, place)
}

const isForm = ({ style }: ParameterPlace): boolean => style === null || style === 'form'

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

/** What a style puts before a value in a path is taken away. */
function undecorated(text: string, { style, name }: ParameterPlace): string {
  if (style === 'label') return text.replace(/^\./, '')
  if (style === 'matrix') return text.replace(/^;/, '').replace(`${name}=`, '')
  return text
}

function split(text: string, place: ParameterPlace): Parts {
  const { kind } = place
  if (kind === 'other') return text
  const parts = text.split(separatorOf(place))
  if (kind === 'array') return parts
  if (place.explode === true) {
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

function separatorOf({ style, explode }: ParameterPlace): string {
  if (style === 'spaceDelimited') return ' '
  if (style === 'pipeDelimited') return '|'
  if (style === 'label' && explode === true) return '.'
  return style === 'matrix' && explode === true ? ';' : ','
}

/** What a schema wants a parameter to be, which says how its text is to be taken apart. */
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
