import { Problem } from '../lib/problem.ts'
import type { Headers } from './identify.ts'
import { hashSecret, isSecret } from './secret-hash.ts'

/** The header of changes by session; its value comes with the answer of the sign-in. */
const csrfHeader = 'x-csrf-token'

/** CSRF protection: a change authenticated by cookie must come from the same origin, have the type application/json, and contain the token of its session, which pages of other ports cannot read. */
export function refuseCrossSite(headers: Headers, token: string): void {
  if (!isSameOrigin(headers)) {
    throw new Problem(
      'identity.cross_site',
      403,
      'A change by session must come from our own pages',
    )
  }
  const type = headers['content-type']
  if (type !== undefined && !/^application\/json\b/i.test(String(type))) {
    throw new Problem('identity.not_json', 415, 'A change by session must be application/json')
  }
  if (!isSecret(String(headers[csrfHeader] ?? ''), hashSecret(token))) {
    throw new Problem(
      'identity.csrf',
      403,
      'A change by session needs the header X-CSRF-Token with the csrf_token of the sign-in; sign in again',
    )
  }
}

/** Whether a browser sent the request from another origin. False for other clients. */
export const isCrossSite = (headers: Headers): boolean =>
  (headers['sec-fetch-site'] !== undefined || headers['origin'] !== undefined) &&
  !isSameOrigin(headers)

function isSameOrigin(headers: Headers): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin'
  const origin = String(headers['origin'] ?? '')
  return URL.canParse(origin) && new URL(origin).host === headers['host']
}
