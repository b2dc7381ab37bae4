import type { OutgoingHttpHeaders } from 'node:http2'
import { HeaderList } from '../header-list.ts'

/** Fields that HTTP/2 has no use for (RFC 9113 section 8.2.2), and Host, which is `:authority`. */
const unsent: ReadonlySet<string> = new Set([
  'connection',
  'host',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
])

/** Fields as HTTP/2 sends them, after the pseudo-fields `first`. */
export function outgoingFields(
  { flat }: HeaderList,
  first: OutgoingHttpHeaders = {},
): OutgoingHttpHeaders {
  const fields: OutgoingHttpHeaders = { ...first }
  for (let at = 0; at < flat.length; at += 2) {
    const name = (flat[at] as string).toLowerCase()
    const value = flat[at + 1] as string
    const before = fields[name]
    if (unsent.has(name) || name.startsWith(':')) continue
    if (before === undefined) fields[name] = value
    else fields[name] = [before].flat().map(String).concat(value)
  }
  return fields
}

/** Fields as they came, without pseudo-fields; crumbs of cookies are one again (RFC 9113 section 8.2.3). */
export function incomingFields(raw: readonly string[], first: readonly string[] = []): HeaderList {
  const flat = [...first]
  const crumbs: string[] = []
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] as string
    const value = raw[at + 1] as string
    if (name === 'cookie') crumbs.push(value)
    else if (!name.startsWith(':')) flat.push(name, value)
  }
  if (crumbs.length > 0) flat.push('cookie', crumbs.join('; '))
  return new HeaderList(flat)
}

/** The pseudo-field of that name, or ''. */
export function pseudoField(raw: readonly string[], name: string): string {
  for (let at = 0; at < raw.length; at += 2) if (raw[at] === name) return raw[at + 1] as string
  return ''
}
