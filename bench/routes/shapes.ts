import type { RequestHead } from '../../src/proxy/exchange.ts'
import { HeaderList } from '../../src/proxy/header-list.ts'
import { entityNamed } from '../../src/entities/entities.ts'
import type { Random } from '../../test/harness/random-routes.ts'

export type RouteFields = Record<string, unknown>

/** A kind of configuration: its routes by number, and a request that matches the route of a number. */
export type Shape = {
  readonly name: string
  routeOf(number: number): RouteFields
  requestFor(number: number, random: Random): Partial<RequestHead>
}

/** Typical of large gateways: most services have their own hosts, the others share one and use wildcards, expressions and headers. */
const mixed: Shape = {
  name: 'mixed',
  routeOf(number) {
    const kind = number % 10
    if (kind < 5)
      return { hosts: [`api-${number}.example.com`], paths: [`/v${1 + (number % 3)}/orders`] }
    if (kind < 7) return { hosts: ['shared.example.com'], paths: [`/team-${number}/items`] }
    if (kind < 8) return { hosts: [`*.tenant-${number}.example.com`], methods: ['GET', 'POST'] }
    if (kind < 9)
      return { hosts: ['shared.example.com'], paths: [`~/reports-${number}/(?<id>\\d+)/lines`] }
    return { paths: ['/feed'], headers: { 'x-tenant': [`tenant-${number}`] } }
  },
  requestFor(number, random) {
    const kind = number % 10
    const id = Math.floor(random() * 1e6)
    if (kind < 5)
      return { host: `api-${number}.example.com`, path: `/v${1 + (number % 3)}/orders/${id}` }
    if (kind < 7) return { host: 'shared.example.com', path: `/team-${number}/items/${id}` }
    if (kind < 8) return { host: `eu.tenant-${number}.example.com`, path: `/${id}` }
    if (kind < 9) return { host: 'shared.example.com', path: `/reports-${number}/${id}/lines` }
    return { path: '/feed', headers: headersWith(['X-Tenant', `tenant-${number}`]) }
  },
}

/** The same, written as expressions. */
const expressions: Shape = {
  ...mixed,
  name: 'mixed expressions',
  routeOf(number) {
    const kind = number % 10
    const shared = 'http.host == "shared.example.com"'
    if (kind < 5)
      return by(
        `http.host == "api-${number}.example.com" && http.path ^= "/v${1 + (number % 3)}/orders"`,
      )
    if (kind < 7) return by(`${shared} && http.path ^= "/team-${number}/items"`)
    if (kind < 8) {
      const methods = '(http.method == "GET" || http.method == "POST")'
      return by(`http.host =^ ".tenant-${number}.example.com" && ${methods}`)
    }
    if (kind < 9) {
      const path = String.raw`http.path ~ r#"^/reports-${number}/(?<id>\d+)/lines"#`
      return by(`${shared} && ${path}`)
    }
    return by(
      `http.path ^= "/feed-${number}" && any(lower(http.headers.x_tenant)) == "tenant-${number}"`,
    )
  },
  requestFor(number, random) {
    const made = mixed.requestFor(number, random)
    return number % 10 === 9 ? { ...made, path: `/feed-${number}` } : made
  },
}

const by = (expression: string): RouteFields => ({ expression, priority: expression.length })

/** One host, with long nested paths that share prefixes. */
const oneHost: Shape = {
  name: 'one host',
  routeOf: (number) => ({
    hosts: ['api.example.com'],
    paths: [routePath(number)],
    methods: number % 4 === 0 ? ['GET'] : null,
  }),
  requestFor: (number, random) => ({
    host: 'api.example.com',
    path: `${routePath(number)}/${Math.floor(random() * 1e6)}`,
  }),
}

const routePath = (number: number): string =>
  `/api/v1/regions/region-${number % 7}/customers/customer-${number >> 2}${'/orders'.repeat(number % 4)}`

export const shapes: readonly Shape[] = [mixed, expressions, oneHost]

/** `count` routes of a shape as entries. */
export function buildRoutes(shape: Shape, count: number) {
  return Array.from({ length: count }, (_, number) => ({
    id: uuidFor(number),
    ...entityNamed('route').fields.omit({ service: true }).parse(shape.routeOf(number)),
  }))
}

export const uuidFor = (number: number): string =>
  `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`

/** `count` requests for routes of a shape; one in ten matches none. */
export function buildRequests(
  shape: Shape,
  { count, requestCount, random }: { count: number; requestCount: number; random: Random },
): RequestHead[] {
  return Array.from({ length: requestCount }, (_, index) => {
    const isMiss = index % 10 === 9
    const number = Math.floor(random() * count) + (isMiss ? count : 0)
    return { ...plainRequest, ...shape.requestFor(number, random) }
  })
}

function headersWith(field: readonly string[]): HeaderList {
  const commonHeaders = ['Host', 'shared.example.com', 'User-Agent', 'curl/8.9.1', 'Accept', '*/*']
  return new HeaderList([...commonHeaders, 'Accept-Encoding', 'gzip', ...field])
}

const plainRequest: RequestHead = {
  method: 'GET',
  scheme: 'https',
  host: 'shared.example.com',
  port: 443,
  path: '/',
  query: '',
  headers: headersWith([]),
  clientAddress: '198.51.100.7',
  tlsVersion: 'TLSv1.3',
  upgrade: '',
}
