import { isIP } from 'node:net'
import { Problem } from '../../lib/problem.ts'

/**
 * Refuses requests whose `Host` is neither an address, localhost nor a configured name. Otherwise a page whose name was
 * rebound to this address would be same-origin with the Manager (DNS rebinding); addresses cannot be rebound.
 */
export function openHostCheck(names: readonly string[]): (host: string | undefined) => void {
  const allowed = new Set(['localhost', ...names.map((name) => name.toLowerCase())])
  return (host = '') => {
    const name = host.toLowerCase().replace(/:\d*$/, '').replace(/\.$/, '')
    const isAddress = isIP(name.replace(/^\[|\]$/g, '')) > 0
    if (name === '' || isAddress || allowed.has(name) || name.endsWith('.localhost')) return
    throw new Problem(
      'admin.host',
      421,
      `The host name ${name} is not allowed; add it to WEIR_ALLOWED_HOSTS`,
    )
  }
}
