import { FieldNames } from '../walk/field-names.ts'
import { HeaderList } from '../header-list.ts'

const none: readonly string[] = []

/** The fields of a message head, with those that frame it picked out; a name that came several times has all its values. */
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

  /** Takes a field, its name in lower case, that may be one of those. */
  note(name: string, value: string): void {
    if (name === 'host') this.host = [...this.host, value]
    else if (name === 'connection') this.connection = [...this.connection, value]
    else if (name === 'content-length') this.contentLength = [...this.contentLength, value]
    else if (name === 'transfer-encoding') this.transferEncoding = [...this.transferEncoding, value]
    else if (name === 'upgrade') this.upgrade = [...this.upgrade, value]
    else if (name === 'expect') this.expect = [...this.expect, value]
  }
}

/** Every line a field by RFC 9112 section 5: a token, a colon at once, and a value without control characters but tabs. No folding, no bare CR or LF. */
const wellFormed = /^(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[\t\x20-\x7e\x80-\xff]*\r\n)*$/

/** Most fields in one head. */
const maxFields = 256

/** Reads the lines of a head after its first, each with its CRLF; undefined when one of them is not well formed, 'many' when there are too many. */
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

/** The text between two places without the blanks and tabs around it; String.trim would take off more, a no-break space for one, and so make `chunked` of what is not. */
function trimBlanks(text: string, from: number, to: number): string {
  let [start, end] = [from, to]
  while (start < end && isBlank(text.charCodeAt(start))) start += 1
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1
  return text.slice(start, end)
}

const isBlank = (code: number): boolean => code === 32 || code === 9
