import { FieldNames } from './field-names.ts'
import type { HeaderList } from '../header-list.ts'

const hopByHop = new FieldNames([
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

/** A test for field names that end at this hop: the fixed ones of RFC 9110 section 7.6.1 and those that `Connection` names. */
export function hopByHopOf(headers: HeaderList): (name: string) => boolean {
  const first = headers.get('connection')
  if (first === undefined) return isHopByHop
  const options = headers.all('connection').join(',').toLowerCase()
  if (options === 'keep-alive' || options === 'close') return isHopByHop
  const named = new Set(options.split(',').map((token) => token.trim()))
  return (name) => hopByHop.has(name) || named.has(name.toLowerCase())
}

const isHopByHop = (name: string): boolean => hopByHop.has(name)
