import type { Expression } from '../../lib/expression.ts'
import { hostTest } from '../../lib/host-pattern.ts'
import { linearRegex, type LinearRegex } from '../../lib/linear-regex.ts'
import { normalizePattern } from '../../lib/normalize-path.ts'
import { parseRouteExpression } from '../../entities/route-expression.ts'
import { Problem } from '../../lib/problem.ts'
import type { RequestHead } from '../exchange.ts'
import { compileExpression, type ExpressionTest } from './compile-expression.ts'
import { readRequestField } from './field-readers.ts'
import { hostKeysOf } from './host-index.ts'
import type { MatchInput } from './match-input.ts'
import { placesOfExpression, type Place } from './places.ts'
import {
  isExpression,
  isRegex,
  variantsOf,
  type Rank,
  type RoutePattern,
  type RouteVariant,
} from './order-routes.ts'

export type PathTest = {
  /** As configured. */
  readonly pattern: string
  /** The literal prefix of every matching path. */
  readonly literal: string
  /** Undefined for a prefix path. */
  readonly regex: LinearRegex | undefined
}

/** A header that must have one of the values. */
export type HeaderTest = {
  readonly name: string
  /** Lower case. */
  readonly values: ReadonlySet<string>
  readonly regexes: readonly LinearRegex[]
}

/** SNIs, of which the request must have one. */
export type ServerNameTest = {
  /** Undefined when there are wildcards among them. */
  readonly exact: readonly string[] | undefined
  accepts(this: void, name: string): boolean
}

/** The compiled conditions of a route variant, without its hosts. */
export type Matcher<R> = Rank & {
  readonly program: R
  readonly methods: readonly string[] | undefined
  readonly headers: readonly HeaderTest[]
  readonly serverNames: ServerNameTest | undefined
  /** Any path when empty. */
  readonly paths: readonly PathTest[]
  /** Undefined for a route without an expression; one with it has no other conditions. */
  readonly expression: WholeExpression | undefined
}

/** The expression of a route, with its places in the index. */
type WholeExpression = {
  readonly holds: ExpressionTest<MatchInput>
  readonly places: readonly Place[]
}

/** The places of a matcher of a route in the index. */
export function placesOf(
  { hosts }: RoutePattern,
  { paths, expression }: Matcher<unknown>,
): Iterable<Place> {
  if (expression !== undefined) return expression.places
  const literals = paths.length === 0 ? anyPath : new Set(paths.map(({ literal }) => literal))
  return [...hostKeysOf(hosts)].map((host) => ({ host, literals }))
}

const anyPath: readonly string[] = ['']

/** Compiles a route to a matcher for each of its variants. */
export const compileMatchers = <R>(route: RoutePattern, program: R): Matcher<R>[] =>
  variantsOf(route).map((variant) => compileMatcher(route, program, variant))

function compileMatcher<R>(
  { id: routeId, protocols, methods, headers, snis, expression }: RoutePattern,
  program: R,
  { major, minor, id, paths }: RouteVariant,
): Matcher<R> {
  const names = filled(snis)?.map(plainName)
  return {
    major,
    minor,
    id,
    program,
    methods: filled(methods),
    headers:
      headers === null
        ? none
        : Object.entries(headers)
            .map(([name, values]) => compileHeader(routeId, name, values))
            .sort(byName),
    serverNames: names && compileNames(names),
    paths: paths.length === 0 ? none : paths.map((pattern) => compilePath(routeId, pattern)),
    expression: isExpression(expression) ? compileWhole(routeId, expression, protocols) : undefined,
  }
}

function compileWhole(id: string, text: string, protocols: readonly string[]): WholeExpression {
  const expression = parseOf(id, text, protocols)
  const places = placesOfExpression(expression)
  const holds = compileExpression(expression, readRequestField)
  const schemes = schemesOf(protocols)
  if (schemes === undefined) return { holds, places }
  return {
    holds: (input, onHold) => schemes.has(input.request.scheme) && holds(input, onHold),
    places,
  }
}

/** Throws a Problem that names the route. */
function parseOf(id: string, text: string, protocols: readonly string[]): Expression {
  try {
    return parseRouteExpression(text, protocols)
  } catch (error) {
    if (!(error instanceof Problem)) throw error
    throw new Problem('route.expression', 400, `route ${id}: expression: ${error.message}`)
  }
}

/** Unlike other conditions, an expression is tested together with the protocols. With `https` alone it matches all schemes, so that `https_redirect_status_code` can take effect. */
function schemesOf(protocols: readonly string[]): ReadonlySet<string> | undefined {
  if (protocols.length === 1 && (protocols[0] === 'https' || protocols[0] === 'wss'))
    return undefined
  return new Set(protocols.map((protocol) => schemes[protocol] ?? protocol))
}

const schemes: Readonly<Record<string, string>> = {
  grpc: 'http',
  grpcs: 'https',
  ws: 'http',
  wss: 'https',
}

const none: readonly never[] = []

const filled = (list: readonly string[] | null | undefined): readonly string[] | undefined =>
  list === null || list?.length === 0 ? undefined : list

const compileNames = (names: readonly string[]): ServerNameTest => ({
  exact: names.some((name) => name.includes('*')) ? undefined : [...new Set(names)],
  accepts: hostTest(names),
})

/** Removes a trailing dot, which is not significant. */
const plainName = (name: string): string => name.toLowerCase().replace(/(?<=.)\.$/, '')

function compilePath(id: string, pattern: string): PathTest {
  if (!isRegex(pattern)) return { pattern, literal: normalizePattern(pattern), regex: undefined }
  const name = `route ${id}: path '${pattern}'`
  const regex = linearRegex(pattern.slice(1), { anchored: true, name })
  return { pattern, literal: regex.literal, regex }
}

function compileHeader(id: string, name: string, values: readonly string[]): HeaderTest {
  const isExpression = (value: string): boolean => value.startsWith('~*')
  return {
    name: name.toLowerCase(),
    values: new Set(values.filter((value) => !isExpression(value)).map(lowerCase)),
    regexes: values
      .filter(isExpression)
      .map((value) =>
        linearRegex(value.slice(2), { ignoreCase: true, name: `route ${id}: header ${name}` }),
      ),
  }
}

const lowerCase = (text: string): string => text.toLowerCase()
const byName = (a: HeaderTest, b: HeaderTest): number => (a.name < b.name ? -1 : 1)

/**
 * Checks every condition except hosts, and of the paths those whose literal has this length: the path begins with a
 * literal of the matcher of that length. Without TLS, SNIs are not checked, as in Kong.
 */
export function accepts(matcher: Matcher<unknown>, input: MatchInput, length: number): boolean {
  const { methods, serverNames, headers, paths, expression } = matcher
  if (expression !== undefined) return expression.holds(input)
  const { request, path } = input
  if (methods !== undefined && !methods.includes(request.method)) return false
  if (serverNames !== undefined && !acceptsServerName(serverNames, request)) return false
  for (const header of headers) if (!acceptsHeader(header, request)) return false
  return acceptsPath(paths, path, length)
}

const acceptsServerName = (names: ServerNameTest, { scheme, serverName }: RequestHead): boolean =>
  scheme !== 'https' || names.accepts(serverName ?? '')

/** Either all paths of a variant are regular expressions or none is. */
function acceptsPath(paths: readonly PathTest[], path: string, length: number): boolean {
  if (paths[0]?.regex === undefined) return true
  for (const test of paths)
    if (test.literal.length === length && coveredBy(test, path) >= 0) return true
  return false
}

function acceptsHeader({ name, values, regexes }: HeaderTest, { headers }: RequestHead): boolean {
  return headers
    .all(name)
    .some((value) => values.has(value.toLowerCase()) || regexes.some((regex) => regex.test(value)))
}

/** Number of matched characters, or -1. */
export function coveredBy({ literal, regex }: PathTest, path: string): number {
  if (!path.startsWith(literal)) return -1
  return regex === undefined ? literal.length : regex.endOf(path)
}
