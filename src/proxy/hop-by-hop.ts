import type { HeaderList } from './header-list.ts'

const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** A test for field names (lower case) that end at this hop: the fixed ones of RFC 9110 section 7.6.1 and those that `Connection` names. */
export function hopByHopOf(headers: HeaderList): (name: string) => boolean {
  const named = headers.all('connection')
  if (named.length === 0) return isHopByHop
  const extra = new Set(
    named
      .join(',')
      .toLowerCase()
      .split(',')
      .map((token) => token.trim()),
  )
  return (name) => hopByHop.has(name) || extra.has(name)
}

const isHopByHop = (name: string): boolean => hopByHop.has(name)
