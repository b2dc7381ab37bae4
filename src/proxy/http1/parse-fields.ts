import { FieldNames } from '../field-names.ts'
import { HeaderList } from '../header-list.ts'

const none: readonly string[] = []

/** Header fields, with those that determine framing and connection handling collected by name. */
export class Fields {
  readonly headers: HeaderList
  host = none
  contentLength = none
  transferEncoding = none
  connection = none
  upgrade = none
  expect = none

  constructor(headers: HeaderList) {
    this.headers = headers
  }

  /** `name` is in lower case. */
  note(name: string, value: string): void {
    if (name === 'host') this.host = [...this.host, value]
    else if (name === 'connection') this.connection = [...this.connection, value]
    else if (name === 'content-length') this.contentLength = [...this.contentLength, value]
    else if (name === 'transfer-encoding') this.transferEncoding = [...this.transferEncoding, value]
    else if (name === 'upgrade') this.upgrade = [...this.upgrade, value]
    else if (name === 'expect') this.expect = [...this.expect, value]
  }
}

/** Field lines (RFC 9112 section 5): a token, a colon, and a value without control characters except tab. No line folding, no bare CR or LF. */
const wellFormed = /^(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n)*$/

const maxFields = 256

/** Parses field lines, each with CRLF; undefined when one is malformed, 'many' when there are too many. */
export function parseFields(text: string): Fields | 'many' | undefined {
  if (!wellFormed.test(text)) return undefined
  const flat: string[] = []
  const fields = new Fields(new HeaderList(flat))
  for (let at = 0; at < text.length;) {
    const colon = text.indexOf(':', at)
    const end = text.indexOf('\r\n', colon)
    const name = text.slice(at, colon)
    const value = trimBlanks(text, colon + 1, end)
    flat.push(name, value)
    if (framingNames.has(name)) fields.note(name.toLowerCase(), value)
    at = end + 2
  }
  return flat.length > 2 * maxFields ? 'many' : fields
}

const framingNames = new FieldNames([
  'host',
  'content-length',
  'transfer-encoding',
  'connection',
  'upgrade',
  'expect',
])

/** Trims spaces and tabs only. String.trim also removes no-break spaces and other characters, which would turn an invalid value into `chunked`. */
function trimBlanks(text: string, from: number, to: number): string {
  let [start, end] = [from, to]
  while (start < end && isBlank(text.charCodeAt(start))) start += 1
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1
  return text.slice(start, end)
}

const isBlank = (code: number): boolean => code === 32 || code === 9
