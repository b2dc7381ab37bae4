/**
 * The one spelling of a request's path by which it is matched, so that no spelling leads around a route: dot segments
 * removed and slashes merged (RFC 3986 section 6.2.2, and Kong's merging), percent-encoded characters decoded where that
 * changes no meaning. Reserved and control characters stay encoded, and so do bytes that are not UTF-8. What is not
 * ASCII is taken for bytes, as HTTP sends it.
 */
export function normalizePath(path: string): string {
  if (!/[^!-$&-~]|\/[./]/.test(path)) return path
  const encoded = path.replace(/[^!-~]/g, encodeByte)
  const decoded = encoded.replace(/(?:%[0-9a-f]{2})+/gi, decodeRun)
  return /\/[./]/.test(decoded) ? removeDots(decoded) : decoded
}

/** The same for a path that somebody wrote down as text. */
export const normalizePattern = (path: string): string =>
  normalizePath(path.replace(/[^!-~]+/gu, encodeURIComponent))

/** A normalized path as it may stand in a request: everything that RFC 3986 does not allow there percent-encoded. */
export const escapePath = (path: string): string =>
  unsafe.test(path) ? path.replace(allUnsafe, encodeURIComponent) : path

const unsafe = /[^!#$%&'()*+,/:;=?@[\]\w.~-]/
const allUnsafe = /[^!#$%&'()*+,/:;=?@[\]\w.~-]+/gu

const encodeByte = (character: string): string =>
  `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`

/** Controls, and what RFC 3986 section 2.2 reserves with the percent sign itself, would mean something else when decoded. */
const staysEncoded = (character: string): boolean =>
  character < ' ' || character === '\x7f' || "!*'();:@&=+$,/?%#[]".includes(character)

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

function decodeRun(run: string): string {
  let decoded = ''
  for (let at = 0; at < run.length;) {
    let end = at
    while (end < run.length && /[89a-f]/i.test(run[end + 1] as string)) end += 3
    if (end > at) {
      decoded += decodeUtf8(run.slice(at, end))
      at = end
    } else {
      const character = String.fromCharCode(Number.parseInt(run.slice(at + 1, at + 3), 16))
      decoded += staysEncoded(character) ? run.slice(at, at + 3).toUpperCase() : character
      at += 3
    }
  }
  return decoded
}

function decodeUtf8(run: string): string {
  const bytes = Uint8Array.from(run.slice(1).split('%'), (hex) => Number.parseInt(hex, 16))
  const text = utf8.decode(bytes)
  return text.includes('\ufffd') ? run.toUpperCase() : text
}

function removeDots(path: string): string {
  const kept: string[] = []
  const segments = path.split('/')
  for (const [index, segment] of segments.entries()) {
    const isLast = index === segments.length - 1
    if (segment === '..') kept.pop()
    if (segment === '..' || segment === '.' || segment === '') {
      if (isLast && index > 0) kept.push('')
    } else kept.push(segment)
  }
  return `/${kept.join('/')}`
}
