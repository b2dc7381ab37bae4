import type { RequestHead } from '../exchange.ts'

/**
 * Other gateways in which a request may have had the same route: gateways with copies of one configuration can be chained. It
 * also bounds a loop over the processes of one gateway.
 */
const maxPasses = 8

/**
 * The value of `Via` to forward (RFC 9110 section 7.6.3). It names the route, whose name is the same in all processes and copies
 * of a configuration, and the process.
 */
export function forwardedVia(
  { headers, http2 }: RequestHead,
  route: string,
  instance: string,
): string {
  const own = `${http2 === true ? '2' : '1.1'} ${route}-${instance}`
  return headers.get('via') === undefined ? own : [...headers.all('via'), own].join(', ')
}

/** Whether a request came through its route in this process before, or in more processes than are chained. */
export function isLoop({ headers }: RequestHead, route: string, instance: string): boolean {
  if (headers.get('via') === undefined) return false
  const own = `${route}-${instance}`
  const passes = headers
    .all('via')
    .flatMap((value) => value.split(','))
    .map((entry) => entry.trim().split(' ', 2)[1] ?? '')
    .filter((name) => name.startsWith(route))
  return passes.includes(own) || passes.length > maxPasses
}
