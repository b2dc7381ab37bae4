import type { RequestHead } from '../exchange.ts'
import type { HeaderTest, HostTest, Matcher } from './compile-routes.ts'
import { normalizePath } from './normalize-path.ts'

/** A route that matched, the pattern by which it did, the normalized path, and how much of that the pattern covered. */
export type Match<R> = {
  readonly route: R
  readonly pattern: string
  readonly path: string
  readonly covered: number
  readonly protocols: readonly string[]
}

/** The first of the ordered matchers that accepts the request, or undefined. A route that accepts all but the protocol matches too: whoever asked is told to use the other one. */
export function matchRoute<R>(
  matchers: readonly Matcher<R>[],
  request: RequestHead,
): Match<R> | undefined {
  const path = normalizePath(request.path)
  for (const matcher of matchers) {
    if (matcher.methods !== undefined && !matcher.methods.has(request.method)) continue
    if (matcher.hosts !== undefined && !matchesHost(matcher.hosts, request)) continue
    if (!matchesHeaders(matcher.headers, request)) continue
    const found = matchPath(matcher, path)
    if (found !== undefined) {
      return {
        route: matcher.route,
        pattern: found.pattern,
        path,
        covered: found.covered,
        protocols: matcher.protocols,
      }
    }
  }
  return undefined
}

const anyPath = { pattern: '', covered: 0 }

function matchPath<R>(
  matcher: Matcher<R>,
  path: string,
): { pattern: string; covered: number } | undefined {
  if (matcher.prefixes.length === 0 && matcher.regexes.length === 0) return anyPath
  for (const prefix of matcher.prefixes) {
    if (path.startsWith(prefix)) return { pattern: prefix, covered: prefix.length }
  }
  for (const { source, regex } of matcher.regexes) {
    const found = regex.exec(path)
    if (found !== null) return { pattern: source, covered: found[0].length }
  }
  return undefined
}

function matchesHost(hosts: readonly HostTest[], request: RequestHead): boolean {
  return hosts.some(({ kind, text, port }) => {
    if (port !== undefined && port !== request.port) return false
    if (kind === 'exact') return request.host === text
    return (
      request.host.length > text.length &&
      (kind === 'suffix' ? request.host.endsWith(text) : request.host.startsWith(text))
    )
  })
}

function matchesHeaders(headers: readonly HeaderTest[], request: RequestHead): boolean {
  return headers.every(({ name, accepts }) => request.headers.all(name).some(accepts))
}
