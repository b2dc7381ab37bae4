import { ownCookies, sessionCookie } from '../../schema/session-cookies.ts'
import type { HeaderList } from '../header-list.ts'

/**
 * Removes Weir's own cookies from a request. Browsers send the cookies of a host to all its ports (RFC 6265 section 8.5),
 * so a Manager on the host name of the gateway would disclose its sessions to every service.
 */
export function removeOwnCookies({ flat }: HeaderList): void {
  for (let at = flat.length - 2; at >= 0; at -= 2) {
    if (!mayCarry('cookie', flat[at] as string, flat[at + 1] as string)) continue
    const pairs = (flat[at + 1] as string).split(';')
    const kept = pairs.filter((pair) => !isOwn(pair))
    if (kept.length === pairs.length) continue
    if (kept.length === 0) flat.splice(at, 2)
    else flat[at + 1] = kept.join(';').trimStart()
  }
}

/** Removes the fields of an answer that would set one of Weir's own cookies. */
export function removeOwnSetCookies({ flat }: HeaderList): void {
  for (let at = flat.length - 2; at >= 0; at -= 2) {
    const value = flat[at + 1] as string
    if (mayCarry('set-cookie', flat[at] as string, value) && isOwn(value)) flat.splice(at, 2)
  }
}

const mayCarry = (field: string, name: string, value: string): boolean =>
  name.length === field.length &&
  name.toLowerCase() === field &&
  value.toLowerCase().includes(sessionCookie)

/** Browsers compare names case-sensitively; services may not. */
const isOwn = (pair: string): boolean =>
  ownCookies.has((pair.split('=', 1)[0] ?? '').trim().toLowerCase())
