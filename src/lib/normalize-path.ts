/**
 * Normalizes a request path before routing, so that no alternative spelling bypasses a route: removes dot segments,
 * merges slashes (RFC 3986 section 6.2.2, and Kong's merging) and decodes percent-encoded characters where that does not
 * change the meaning. Reserved characters, control characters and bytes that are not UTF-8 stay encoded. Characters
 * outside ASCII are treated as bytes, as HTTP sends them.
 */
export function normalizePath(path: string): string {
  if (!/[^!-$&-~]|\/[./]/.test(path)) return path
  const encoded = path.replace(/[^!-~]/g, encodeByte)
  const decoded = encoded.replace(/(?:%[0-9a-f]{2})+/gi, decodeRun)
  return /\/[./]/.test(decoded) ? removeDots(decoded) : decoded
}

/** The same for a configured path, which is text and not bytes. */
export const normalizePattern = (path: string): string =>
  normalizePath(path.replace(/[^!-~]+/gu, encodeURIComponent))

/** Percent-encodes everything in a normalized path that RFC 3986 does not allow in a request. */
export const escapePath = (path: string): string =>
  unsafe.test(path) ? path.replace(allUnsafe, encodeURIComponent) : path

const unsafe = /[^!#$%&'()*+,/:;=?@[\]\w.~-]/
const allUnsafe = /[^!#$%&'()*+,/:;=?@[\]\w.~-]+/gu

const encodeByte = (character: string): string =>
  `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`

/** Control characters, reserved characters (RFC 3986 section 2.2) and the percent sign change their meaning when decoded. */
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
