import type { HeaderList } from '../header-list.ts'
import { FieldNames } from '../field-names.ts'

const hopByHop = new FieldNames([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Whether the client reads trailers (RFC 9110 section 10.1.4). */
export const acceptsTrailers = ({ headers }: { readonly headers: HeaderList }): boolean =>
  headers.get('te') !== undefined &&
  headers.all('te').some((value) => /(?:^|,)[\t ]*trailers[\t ]*(?:,|$)/i.test(value))

/** Tests for hop-by-hop fields: those of RFC 9110 section 7.6.1 and those that `Connection` names. Proxy-Authorization is forwarded, as in Kong. */
export function hopByHopOf(headers: HeaderList): (name: string) => boolean {
  const first = headers.get('connection')
  if (first === undefined) return isHopByHop
  const options = headers.all('connection').join(',').toLowerCase()
  if (options === 'keep-alive' || options === 'close') return isHopByHop
  const named = new Set(options.split(',').map((token) => token.trim()))
  return (name) => hopByHop.has(name) || named.has(name.toLowerCase())
}

const isHopByHop = (name: string): boolean => hopByHop.has(name)
