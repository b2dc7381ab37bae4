import { Problem } from '../lib/problem.ts'
import type { Headers } from './identify.ts'

/** CSRF protection: a change authenticated by cookie must come from the same origin and have the type application/json. */
export function refuseCrossSite(headers: Headers): void {
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
