import { linearRegex } from '../lib/linear-regex.ts'
import { Problem } from '../lib/problem.ts'
import { isOfStreams } from '../entities/route-expression.ts'
import { claimsOf, type RouteItem } from './isolation/route-claims.ts'

export const strategies = ['smart', 'path', 'static', 'off'] as const

/** Kong's `route_validation_strategy`. */
export type Strategy = (typeof strategies)[number]

export type RouteValidation = {
  readonly strategy: Strategy
  /** Kong's `enforce_route_path_pattern`, a Lua pattern with `$(workspace)`, for the strategy `path`. */
  readonly pathPattern?: string | undefined
}

/** Throws a 400 when the paths of a route of a workspace, or those that its expression bounds, do not match the pattern. */
export function checkPathPattern(route: RouteItem, workspace: string, pattern: string): void {
  if (isOfStreams(route)) return
  const shown = pattern.replaceAll('$(workspace)', workspace)
  const paths = pathsOf(route)
  if (paths.length === 0) {
    throw refused(`path is required matching pattern '${shown}'`)
  }
  const regex = linearRegex(`${pathExpression(pattern, workspace)}$`, { anchored: true })
  for (const path of paths)
    if (!regex.test(path))
      throw refused(`invalid path: '${path}' (should match pattern '${shown}')`)
}

/** For an expression, the prefixes of its paths; none when one of them can be any. */
function pathsOf(route: RouteItem): readonly string[] {
  if (typeof route.expression !== 'string') return route.paths ?? []
  const claims = claimsOf(route).filter(({ traffic }) => traffic === 'http')
  const paths = claims.map(({ path }) => path)
  return paths.includes('') ? [] : paths
}

const refused = (message: string): Problem =>
  new Problem('control.route_path', 400, message, { detail: { fields: { paths: message } } })

/** Why a path pattern cannot be used; undefined when it can. */
export function pathPatternError(pattern: string): string | undefined {
  if (!/^\/[\w.~/%$()*-]*$/.test(pattern))
    return 'expected a path of letters, digits and . - _ ~ / % $ ( ) *'
  const odd = /%(?![acdglpsuwx]|[^a-z\d])./i.exec(pattern)
  return odd === null ? undefined : `'${odd[0]}' is not a class of a Lua pattern`
}

/** A regular expression for the Lua patterns that Kong allows: classes after `%`, `.`, `*`, `-` as a lazy `*`, groups. */
export function pathExpression(pattern: string, workspace: string): string {
  const expression = pattern.replaceAll(
    /\$\(workspace\)|%(.)|[.*()-]|[^.*()%-]/g,
    (token, escaped: string | undefined) => {
      if (token === '$(workspace)') return literal(workspace)
      if (escaped !== undefined) return luaClass(escaped)
      if (token === '-') return '*?'
      return '.*()'.includes(token) ? token : literal(token)
    },
  )
  return expression
}

const classes: Readonly<Record<string, string>> = {
  a: 'A-Za-z',
  c: '\\x00-\\x1f\\x7f',
  d: '0-9',
  g: '!-~',
  l: 'a-z',
  p: '!-/:-@\\[-`{-~',
  s: '\\t-\\r ',
  u: 'A-Z',
  w: 'A-Za-z0-9',
  x: 'A-Fa-f0-9',
}

function luaClass(letter: string): string {
  const members = classes[letter.toLowerCase()]
  if (members === undefined) return literal(letter)
  return letter === letter.toLowerCase() ? `[${members}]` : `[^${members}]`
}

const literal = (text: string): string => text.replaceAll(/[^\w~-]/g, String.raw`\$&`)
