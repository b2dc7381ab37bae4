import { hash } from 'node:crypto'
import type { Exchange } from '../../proxy/exchange.ts'
import type { Settings } from './settings.ts'

/** The cache key of a request: caller, route and resource. Requests with different keys never share a response. */
export function openCacheKeys({
  vary_query_params: parameters,
  vary_headers: headers,
  ignore_uri_case: ignoresCase,
}: Settings): (exchange: Exchange, method: string, body: Uint8Array | undefined) => string {
  const names = (headers ?? []).map((name) => name.toLowerCase()).toSorted()
  const wanted = new Set(parameters ?? [])
  const queryOf = (query: string): string =>
    query === '' ? '' : sortParameters(query, wanted).join('&')
  return (exchange, method, body) => {
    const { request, forward, routeRef } = exchange
    const { scheme, host, port, path, query } = request
    const pathOf = (given = ''): string => (ignoresCase === true ? given.toLowerCase() : given)
    const parts = [
      describeCaller(exchange),
      routeRef.route,
      method,
      [scheme, host, port, pathOf(path)],
      queryOf(query),
      names.map((name) => request.headers.all(name)),
      // Changes of the request by other plugins affect its response too.
      [forward?.method, forward?.host, pathOf(forward?.path)],
      forward?.query === query ? '' : forward?.query,
      body === undefined || body.length === 0 ? '' : hash('sha256', body),
    ]
    return hash('sha256', JSON.stringify(parts))
  }
}

const describeCaller = ({ caller }: Exchange): unknown =>
  caller && [
    caller.consumer?.id ?? caller.credential,
    caller.identity?.issuer,
    caller.identity?.subject,
  ]

/** The parameters in an order that does not depend on how the request has them; values of one name keep theirs. */
function sortParameters(query: string, wanted: ReadonlySet<string>): string[] {
  const pairs = query.split('&').map((pair) => {
    const end = pair.indexOf('=')
    return { pair, name: end < 0 ? pair : pair.slice(0, end) }
  })
  return pairs
    .filter(({ name }) => wanted.size === 0 || wanted.has(decode(name)))
    .toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0))
    .map(({ pair }) => pair)
}

function decode(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll('+', ' '))
  } catch {
    return name
  }
}
