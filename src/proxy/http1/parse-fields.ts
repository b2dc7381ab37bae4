import { HeaderList } from '../header-list.ts'

/** The fields of a message head, with those that frame it picked out; a name that came several times has all its values. */
export type Fields = {
  readonly headers: HeaderList
  readonly host: readonly string[]
  readonly contentLength: readonly string[]
  readonly transferEncoding: readonly string[]
  readonly connection: readonly string[]
  readonly upgrade: readonly string[]
  readonly expect: readonly string[]
}

const none: readonly string[] = []

/** Every line a field by RFC 9112 section 5: a token, a colon at once, and a value without control characters but tabs. No folding, no bare CR or LF. */
const wellFormed = /^(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n)*$/

/** Most fields in one head. */
const mostFields = 256

/** Reads the lines of a head after its first, each with its CRLF; undefined when one of them is not well formed, 'many' when there are too many. */
export function parseFields(text: string): Fields | 'many' | undefined {
  if (!wellFormed.test(text)) return undefined
  const flat: string[] = []
  const framing: Record<string, string[] | undefined> = {}
  for (let at = 0; at < text.length;) {
    const colon = text.indexOf(':', at)
    const end = text.indexOf('\r\n', colon)
    const name = text.slice(at, colon)
    const value = trimBlanks(text, colon + 1, end)
    flat.push(name, value)
    const role = roleOf(name)
    if (role !== undefined) (framing[role] ??= []).push(value)
    at = end + 2
  }
  if (flat.length > 2 * mostFields) return 'many'
  return {
    headers: new HeaderList(flat),
    host: framing['host'] ?? none,
    contentLength: framing['content-length'] ?? none,
    transferEncoding: framing['transfer-encoding'] ?? none,
    connection: framing['connection'] ?? none,
    upgrade: framing['upgrade'] ?? none,
    expect: framing['expect'] ?? none,
  }
}

const roles: ReadonlyMap<string, string> = new Map(
  ['host', 'content-length', 'transfer-encoding', 'connection', 'upgrade', 'expect'].map((name) => [
    name,
    name,
  ]),
)

/** Most fields are none of these, and their length says so before their letters do. */
const lengths = new Set([...roles.keys()].map(({ length }) => length))

const roleOf = (name: string): string | undefined =>
  lengths.has(name.length) ? roles.get(name.toLowerCase()) : undefined

/** The text between two places without the blanks and tabs around it; String.trim would take off more, a no-break space for one, and so make `chunked` of what is not. */
function trimBlanks(text: string, from: number, to: number): string {
  let [start, end] = [from, to]
  while (start < end && isBlank(text.charCodeAt(start))) start += 1
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1
  return text.slice(start, end)
}

const isBlank = (code: number): boolean => code === 32 || code === 9
