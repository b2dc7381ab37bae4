import { isRecord } from '../../lib/is-record.ts'

/** A body in which an API key may be. Names are compared exactly, as in Kong. */
export type KeyedBody = {
  /** The texts under a name; more than one, or one that is no text, counts as a duplicate. */
  readonly valuesOf: (name: string) => readonly string[]
  /** The body without the members of these names; undefined when it has none of them. */
  readonly without: (names: readonly string[]) => Buffer | undefined
}

type Read = (bytes: Buffer, contentType: string) => KeyedBody | undefined

const readers: Readonly<Record<string, Read>> = {
  'application/json': readJson,
  'application/x-www-form-urlencoded': readForm,
  'multipart/form-data': readMultipart,
}

/** Reader for bodies of a content type; undefined for types that cannot have a key. */
export function keyReaderFor(
  contentType: string,
): ((bytes: Buffer) => KeyedBody | undefined) | undefined {
  const media = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  const read = Object.hasOwn(readers, media) ? readers[media] : undefined
  return read && ((bytes) => read(bytes, contentType))
}

/** Undefined for values that are not objects. */
function readJson(bytes: Buffer): KeyedBody | undefined {
  const text = bytes.toString('utf8')
  const members = parseMembers(text)
  return (
    members && {
      valuesOf(name) {
        const value = Object.hasOwn(members, name) ? members[name] : undefined
        if (typeof value === 'string') return [value]
        // As in Kong, lists and objects are duplicates; numbers, booleans and null are no keys.
        return typeof value === 'object' && value !== null ? ['', ''] : []
      },
      without(names) {
        if (!names.some((name) => Object.hasOwn(members, name))) return undefined
        const kept = Object.entries(parseMembers(text, keepNumber) ?? {}).filter(
          ([name]) => !names.includes(name),
        )
        return Buffer.from(JSON.stringify(Object.fromEntries(kept)))
      },
    }
  )
}

function parseMembers(
  text: string,
  revive?: (name: string, value: unknown, context?: Source) => unknown,
): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(text, revive)
    return isRecord(parsed) ? parsed : undefined
  } catch {
    // Not JSON, or nested too deeply: it has no key.
    return undefined
  }
}

/** Keeps numbers as they are written, as they can have more digits than JavaScript keeps. */
const keepNumber = (_name: string, value: unknown, context?: Source): unknown =>
  typeof value === 'number' && context?.source !== undefined ? rawJson(context.source) : value

type Source = { readonly source?: string }

// ECMAScript proposal "JSON.parse source text access", which TypeScript's library lacks.
const { rawJSON: rawJson } = JSON as unknown as { readonly rawJSON: (text: string) => unknown }

function readForm(bytes: Buffer): KeyedBody {
  const pairs = bytes
    .toString('latin1')
    .split('&')
    .map((text) => ({ text, decoded: [...new URLSearchParams(text)][0] }))
  return {
    valuesOf: (name) => pairs.flatMap(({ decoded }) => (decoded?.[0] === name ? [decoded[1]] : [])),
    without(names) {
      const kept = pairs.filter(({ decoded }) => !names.includes(decoded?.[0] ?? ''))
      if (kept.length === pairs.length) return undefined
      return Buffer.from(kept.map(({ text }) => text).join('&'), 'latin1')
    },
  }
}

/** RFC 7578. Undefined for a body that does not have the form of RFC 2046 section 5.1.1. */
function readMultipart(bytes: Buffer, contentType: string): KeyedBody | undefined {
  const [, quoted, plain] =
    /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(contentType) ?? []
  const delimiter = `\r\n--${quoted ?? plain ?? ''}`
  const [preamble = '', ...rest] = `\r\n${bytes.toString('latin1')}`.split(delimiter)
  const epilogue = rest.pop()
  if (delimiter === '\r\n--' || epilogue?.startsWith('--') !== true) return undefined
  const parts = rest.map(readPart)
  if (parts.some((part) => part === undefined)) return undefined
  const known = parts.filter((part) => part !== undefined)
  return {
    valuesOf: (name) => known.flatMap((part) => (part.name === name ? [part.value] : [])),
    without(names) {
      const kept = known.filter(({ name }) => !names.includes(name)).map((part) => part.text)
      if (kept.length === known.length) return undefined
      return Buffer.from([preamble, ...kept, epilogue].join(delimiter).slice(2), 'latin1')
    },
  }
}

type Part = { readonly text: string; readonly name: string; readonly value: string }

/** A part from after its delimiter on: padding, header fields, an empty line, the content. */
function readPart(text: string): Part | undefined {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0 || !/^[ \t]*\r\n/.test(text)) return undefined
  const disposition = text
    .slice(0, end)
    .split('\r\n')
    .find((line) => /^content-disposition\s*:/i.test(line))
  const [, quoted, plain] = /;\s*name=(?:"([^"]*)"|([^\s;"]+))/i.exec(disposition ?? '') ?? []
  const name = Buffer.from(quoted ?? plain ?? '', 'latin1').toString('utf8')
  return { text, name, value: Buffer.from(text.slice(end + 4), 'latin1').toString('utf8') }
}
