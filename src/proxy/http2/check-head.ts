import type { Problem } from '../../lib/problem.ts'
import { methodError, headTooLarge, isHost, isTarget, malformed } from '../http1/read-message.ts'
import { pseudoField } from './fields.ts'

/** The refusal of a field that RFC 9113 section 8.2.1 calls malformed. */
export const malformedField = (): Problem => malformed('a header field is malformed')

/** Why a head of `size` characters is refused, as strictly as over HTTP/1.1. Node accepts heads of 64 KiB for any maxHeaderListSize. */
export function headError(
  raw: readonly string[],
  size: number,
  limit: number,
): Problem | undefined {
  if (size > limit) return headTooLarge()
  return methodError(pseudoField(raw, ':method')) ?? complaintAboutTarget(raw)
}

function complaintAboutTarget(raw: readonly string[]): Problem | undefined {
  const scheme = pseudoField(raw, ':scheme').toLowerCase()
  if (!isTarget(pseudoField(raw, ':path'))) return malformed('the request target is malformed')
  if (scheme !== 'http' && scheme !== 'https') return malformed('the scheme is unknown')
  const authority = pseudoField(raw, ':authority')
  const host = pseudoField(raw, 'host')
  if (authority === '' && host === '') return malformed('there must be one Host')
  const hosts = [authority, host].filter((name) => name !== '')
  if (!hosts.every(isHost)) return malformed('the Host is malformed')
  // RFC 9113 section 8.3.1.
  const [one, other = one] = hosts.map((name) => withoutDefaultPort(name, scheme))
  return one === other ? undefined : malformed('Host differs from :authority')
}

const withoutDefaultPort = (host: string, scheme: 'http' | 'https'): string =>
  host.toLowerCase().replace(scheme === 'http' ? /:(?:80)?$/ : /:(?:443)?$/, '')
