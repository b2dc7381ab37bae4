import type { Exchange } from '../../proxy/exchange.ts'

/** Renders a text for a request. Its characters are bytes, as in the fields of a message. */
export type Template = (exchange: Exchange) => string

/**
 * Compiles a text with expressions in `$(…)`: a value of the request, such as `headers.host`, `headers["x-a"]`,
 * `query_params.page`, `uri_captures.id`, `uri_captures[1]`, `consumer.username`; or a text in quotes; or several of them
 * with `or` between, of which the first that is there counts. Throws a SyntaxError with the position.
 */
export function compileTemplate(text: string): Template {
  const parts: (string | Template)[] = []
  let at = 0
  for (;;) {
    const start = text.indexOf('$(', at)
    parts.push(toBytes(start < 0 ? text.slice(at) : text.slice(at, start)))
    if (start < 0) break
    const reader = new Reader(text, start + 2)
    parts.push(readAlternatives(reader))
    at = reader.at
  }
  const [only = ''] = parts
  if (parts.length === 1 && typeof only === 'string') return () => only
  return (exchange) =>
    parts.map((part) => (typeof part === 'string' ? part : part(exchange))).join('')
}

/** Error message for a text; undefined when it is valid. */
export function templateError(text: string): string | undefined {
  try {
    compileTemplate(text)
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

/** Text as the UTF-8 bytes of a message. */
export const toBytes = (text: string): string =>
  /^[\0-\x7f]*$/.test(text) ? text : Buffer.from(text).toString('latin1')

/** A value of a field: without what would end it. */
export const toFieldValue = (rendered: string): string =>
  rendered.replaceAll(/[^\t -~\u0080-\u00ff]/g, '')

/** The opposite of `toBytes`. */
export const toText = (bytes: string): string =>
  /^[\0-\x7f]*$/.test(bytes) ? bytes : Buffer.from(bytes, 'latin1').toString()

type Value = (exchange: Exchange) => string | undefined

function readAlternatives(reader: Reader): Template {
  const values = [readValue(reader)]
  while (reader.take(/\s+or\b/y) !== undefined) values.push(readValue(reader))
  if (reader.take(/\s*\)/y) === undefined) reader.fail("expected 'or' or ')'")
  return (exchange) => {
    for (const value of values) {
      const found = value(exchange)
      if (found !== undefined) return found
    }
    return ''
  }
}

function readValue(reader: Reader): Value {
  const quoted = reader.take(/\s*(?:"([^"\\]*)"|'([^'\\]*)')/y)
  if (quoted !== undefined) {
    const literal = toBytes(quoted[1] ?? quoted[2] ?? '')
    return () => literal
  }
  const table = reader.take(/\s*([a-z_]+)/y)?.[1] ?? ''
  const read = Object.hasOwn(tables, table) ? tables[table] : undefined
  if (read === undefined)
    return reader.fail(`expected a text in quotes or one of ${Object.keys(tables).join(', ')}`)
  const member = reader.take(/\.([A-Za-z_]\w*)|\[\s*(?:"([^"\\]+)"|'([^'\\]+)'|(\d{1,4}))\s*\]/y)
  if (member === undefined) return reader.fail(`expected a member of ${table}`)
  return read(member.slice(1).find((name) => name !== undefined) ?? '')
}

/** The tables of Kong, and `consumer`. */
const tables: Readonly<Record<string, (name: string) => Value>> = {
  headers(name) {
    const folded = name.toLowerCase().replaceAll('_', '-')
    const exact = name.toLowerCase()
    return ({ request: { headers } }) => headers.get(exact) ?? headers.get(folded)
  },
  query_params: (name) => {
    return ({ request: { query } }) => {
      const value = query === '' ? null : new URLSearchParams(query).get(name)
      return value === null ? undefined : toBytes(value)
    }
  },
  uri_captures: (name) => {
    const index = /^\d+$/.test(name) ? Number(name) : undefined
    return ({ captures: { groups, named } }) => {
      if (index !== undefined) return groups[index]
      return Object.hasOwn(named, name) ? named[name] : undefined
    }
  },
  consumer: (name) => {
    const bytes = (text: string | null | undefined) =>
      text === null || text === undefined ? undefined : toBytes(text)
    return ({ caller }) => {
      if (name === 'id') return caller?.consumer?.id
      if (name === 'username') return bytes(caller?.consumer?.username)
      return name === 'custom_id' ? bytes(caller?.consumer?.customId) : undefined
    }
  },
}

class Reader {
  readonly text: string
  at: number

  constructor(text: string, at: number) {
    this.text = text
    this.at = at
  }

  take(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.at
    const found = pattern.exec(this.text) ?? undefined
    if (found !== undefined) this.at = pattern.lastIndex
    return found
  }

  fail(complaint: string): never {
    throw new SyntaxError(`${complaint} at character ${this.at + 1}; there is no Lua`)
  }
}
