import fc from 'fast-check'
import { expect, test } from 'vitest'
import { buildTestSnapshot } from '../../../test/harness/build-snapshot.ts'
import { randomFrom, randomRequest, randomRoutes } from '../../../test/harness/random-routes.ts'
import { runToCompletion } from '../../lib/cooperative-task.ts'
import { RadixMap } from '../../lib/radix-map.ts'
import { compileRouter } from '../../proxy/compile-router.ts'
import type { Snapshot, SnapshotItem } from '../../schema/snapshot.ts'
import { checkPathPattern, pathPatternError, type Strategy } from '../route-validation.ts'
import {
  changeClaim,
  changeIndex,
  competing,
  emptyClaims,
  type ClaimChanges,
} from './claim-index.ts'
import { openIsolation } from './open-isolation.ts'
import { claimsOf, type Claim, type RouteItem } from './route-claims.ts'

const [x, y] = ['workspace-x', 'workspace-y']
const superAdmin = { isSuperAdmin: () => true, mayRead: () => true }

const routesOf = (fields: readonly Record<string, unknown>[]): RouteItem[] => [
  ...buildTestSnapshot({ routes: fields }).routes.values(),
]

const inWorkspace = (
  workspace: string,
  fields: Record<string, unknown>,
  id = workspace,
): RouteItem => {
  const [route] = routesOf([fields]) as [RouteItem]
  return { ...route, id, workspace }
}

type Owned = { readonly [workspace in string]?: { owned_hosts?: string[]; owned_paths?: string[] } }

function snapshotWith(routes: readonly RouteItem[], owned: Owned = {}): Snapshot {
  const workspaces = [x, y].map((id) => ({ id, name: id, ...owned[id] }))
  return {
    ...buildTestSnapshot({}),
    workspaces: RadixMap.from(workspaces.map((one) => [one.id, one] as const)),
    routes: RadixMap.from(routes.map((one) => [one.id, one] as const)),
  }
}

/** The problem with which a change is refused, or undefined. */
async function refusal(
  before: readonly RouteItem[],
  added: readonly RouteItem[],
  { strategy = 'smart' as Strategy, owned = {} as Owned } = {},
): Promise<{ message: string; detail: Record<string, unknown> } | undefined> {
  const isolation = openIsolation({ strategy, pathPattern: '/$(workspace)/v%d/.*' })
  const present = snapshotWith(before, owned)
  await isolation.prepare(present)
  const after = snapshotWith([...before, ...added], owned)
  return isolation.check({ before: present, after, author: superAdmin }).then(
    () => undefined,
    (error: { message: string; detail: Record<string, unknown> }) => error,
  )
}

const statusOf = (made: Promise<unknown>): Promise<number | undefined> =>
  made.then(
    () => undefined,
    (problem: { status: number }) => problem.status,
  )

function throws(act: () => void): boolean {
  try {
    act()
    return false
  } catch {
    return true
  }
}

test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
  ['the same path', { paths: ['/y'] }, { paths: ['/y'] }],
  ['the same path with a method', { paths: ['/y'] }, { paths: ['/y'], methods: ['GET'] }],
  [
    'another method of the path',
    { paths: ['/y'], methods: ['GET'] },
    { paths: ['/y'], methods: ['OPTIONS'] },
  ],
  ['a longer prefix', { paths: ['/y'] }, { paths: ['/y/orders'] }],
  ['a shorter prefix', { paths: ['/y/orders'] }, { paths: ['/y'] }],
  ['a prefix that ends within a segment', { paths: ['/y'] }, { paths: ['/yes'] }],
  ['a regular expression', { paths: ['/y'] }, { paths: [String.raw`~/y/(?<id>\d+)$`] }],
  ['a regular expression that could match anything', { paths: ['/y'] }, { paths: ['~/.*'] }],
  ['a header', { paths: ['/y'] }, { paths: ['/y'], headers: { 'x-v': ['1'] } }],
  ['a host', { paths: ['/y'] }, { paths: ['/y'], hosts: ['y.test'] }],
  ['a wildcard host', { hosts: ['api.y.test'] }, { hosts: ['*.test'], paths: ['/a'] }],
  ['a wildcard within a wildcard', { hosts: ['*.test'] }, { hosts: ['*.y.test'] }],
  ['wildcards on both sides', { hosts: ['*.test'] }, { hosts: ['y.*'] }],
  ['the host with a port', { hosts: ['y.test'] }, { hosts: ['Y.test:8000'] }],
  ['/ for all that nobody else matches', { paths: ['/y'] }, { paths: ['/'] }],
  ['no path but a method', { paths: ['/y'] }, { methods: ['GET'] }],
  ['no path but a server name', { paths: ['/y'] }, { protocols: ['https'], snis: ['y.test'] }],
  ['gRPC', { paths: ['/y'] }, { protocols: ['grpc'], paths: ['/y'], strip_path: false }],
  ['the port of a stream', tcp({ port: 5000 }), tcp({ ip: '10.0.0.0/8', port: 5000 })],
  ['the port of a UDP stream', udp({ port: 5000 }), udp({ ip: '10.0.0.0/8', port: 5000 })],
  ['the server name of a stream', tls(['y.test']), tls(['y.test'])],
  ['a wildcard server name', tls(['y.test']), tls(['*.test'])],
  [
    'a stream that passes the handshake through',
    tls(['y.test']),
    { protocols: ['tls_passthrough'], snis: ['y.test'] },
  ],
  [
    'a stream without TLS, which has no server name',
    { protocols: ['tls', 'tcp'], snis: ['y.test'] },
    { protocols: ['tls', 'tcp'], snis: ['x.test'] },
  ],
  [
    'an expression for the path',
    { paths: ['/y'] },
    by('http.path ^= "/y/1" && http.method == "GET"'),
  ],
  ['an expression for a shorter path', { paths: ['/y'] }, by('http.path ~ "^/"')],
  ['an expression without a path', { paths: ['/y'] }, by('any(http.headers.x_v) == "1"')],
  ['a negated expression', { paths: ['/y'] }, by('!(http.path ^= "/x")')],
  ['an expression that ignores case', { paths: ['/y'] }, by('lower(http.path) ^= "/x"')],
  ['one of several alternatives', { paths: ['/y'] }, by('http.path == "/x" || http.path == "/y"')],
  ['an expression for the host', { hosts: ['y.test'] }, by('http.host =^ "Y.test"')],
  ['an expression for a path of an expression', by('http.path == "/y"'), { paths: ['/y'] }],
  ['an expression for the port of a stream', tcp({ port: 5000 }), by('net.port == 5000', 'tcp')],
  ['an expression for the name of a stream', tls(['y.test']), by('tls.sni =^ ".test"', 'tls')],
  ['an expression for all streams', tcp({ port: 5000 }), by('net.src.ip in 10.0.0.0/8', 'tcp')],
  [
    'all ports of a stream',
    tcp({ port: 5000 }),
    { protocols: ['tcp'], sources: [{ ip: '10.0.0.1' }] },
  ],
])('refuses a route for the traffic of another workspace: %s', async (_, theirs, ours) => {
  expect(await refusal([inWorkspace(y, theirs)], [inWorkspace(x, ours)])).toMatchObject({
    status: 409,
    message: 'API route collides with an existing API',
  })
  expect(await refusal([inWorkspace(x, theirs)], [inWorkspace(x, ours, 'r')])).toBeUndefined()
})

function udp(destination: { ip?: string; port?: number }): Record<string, unknown> {
  return { protocols: ['udp'], destinations: [destination] }
}

function tcp(destination: { ip?: string; port?: number }): Record<string, unknown> {
  return { protocols: ['tcp'], destinations: [destination] }
}

function by(expression: string, protocol = 'http'): Record<string, unknown> {
  return { protocols: [protocol], expression }
}

function tls(snis: readonly string[]): Record<string, unknown> {
  return { protocols: ['tls'], snis }
}

test.each<[string, Record<string, unknown>, Record<string, unknown>]>([
  ['paths', { paths: ['/y'] }, { paths: ['/x'] }],
  ['hosts', { hosts: ['y.test'] }, { hosts: ['x.test'] }],
  ['hosts beside a wildcard', { hosts: ['*.y.test'] }, { hosts: ['*.x.test', 'y.test'] }],
  ['trailing wildcards', { hosts: ['y.*'] }, { hosts: ['x.*'] }],
  ['the literal start of regular expressions', { paths: ['~/y/.*'] }, { paths: ['~/x/.*'] }],
  ['ports of streams', tcp({ port: 5000 }), tcp({ port: 50_001 })],
  ['ports of UDP streams', udp({ port: 5000 }), udp({ port: 5001 })],
  ['UDP and TCP streams', udp({ port: 5000 }), tcp({ port: 5000 })],
  ['addresses of streams', tcp({ ip: '10.1.0.0/16', port: 1 }), tcp({ ip: '10.2.0.9', port: 1 })],
  ['server names of streams', tls(['y.test']), tls(['x.test'])],
  [
    'server names of streams, one of which is for TCP too',
    tls(['y.test']),
    { protocols: ['tls', 'tcp'], snis: ['x.test'] },
  ],
  ['protocols of streams', tls(['y.test']), tcp({ port: 5000 })],
  ['paths of expressions', by('http.path ^= "/y"'), by('http.path ^= "/x" && http.host ~ "y"')],
  ['hosts of expressions', by('http.host == "y.test"'), by('http.host =^ ".y.test"')],
  [
    'paths and hosts of alternatives',
    { paths: ['/y'], hosts: ['y.test'] },
    by(
      '(http.path ^= "/x" || http.host == "x.test") && (http.host == "x.test" || http.path ^= "/x")',
    ),
  ],
  ['ports of stream expressions', by('net.dst.port == 5000', 'tcp'), by('net.port == 500', 'tcp')],
  ['server names of stream expressions', tls(['y.test']), by('tls.sni == "x.test"', 'tls')],
  ['streams and HTTP', { paths: ['/'] }, tcp({ port: 5000 })],
])('accepts routes of two workspaces with different %s', async (_, theirs, ours) => {
  expect(await refusal([inWorkspace(y, theirs)], [inWorkspace(x, ours)])).toBeUndefined()
})

test('names the part of the traffic that bounds an expression', async () => {
  const text = 'http.path ^= "/y" && http.host == "Y.test" && net.src.ip in 10.0.0.0/8'
  const found = await refusal([inWorkspace(y, { paths: ['/y'] })], [inWorkspace(x, by(text))])
  expect(found?.detail['because']).toContain(
    `expression '${text}' (host 'y.test' and paths that begin with '/y') can match requests of a route of another workspace`,
  )
})

function indexOf(claims: readonly Claim[]) {
  const changes: ClaimChanges = new Map()
  for (const claim of claims) changeClaim(changes, claim, 'free', 'add')
  return runToCompletion(changeIndex(emptyClaims, changes))
}

/** The ids of others that a random request matches as well as a route, and of those that were found by its claims. */
function overlapsOf(seed: number): { readonly matching: string[]; readonly found: string[] } {
  const random = randomFrom(seed)
  const [ours, ...theirs] = randomRoutes(random, 6).map((pattern, at): RouteItem => {
    const [defaults] = routesOf([{ paths: ['/'] }]) as [RouteItem]
    return { ...defaults, ...pattern, workspace: at === 0 ? x : y }
  }) as [RouteItem, ...RouteItem[]]
  const index = indexOf(theirs.flatMap(claimsOf))
  const claims = claimsOf(ours).filter(({ traffic }) => traffic === 'http')
  const found = claims.flatMap((claim) => [...competing(index, claim)].map(({ route }) => route))
  const routers = [ours, ...theirs].map((route) => compileRouter([{ route, program: route.id }]))
  const matching = Array.from({ length: 60 }, () => randomRequest(random)).flatMap((request) => {
    const [own, ...others] = routers.map((router) => router.match(request)?.route)
    return own === undefined ? [] : others.filter((other) => other !== undefined)
  })
  return { matching, found }
}

test('finds every route of another workspace that matches a request of a route', () => {
  let matched = 0
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const { matching, found } = overlapsOf(seed)
      expect(matching.filter((route) => !found.includes(route))).toEqual([])
      matched += matching.length
    }),
    { numRuns: 150 },
  )
  expect(matched).toBeGreaterThan(100)
})

test('compares a route with 20,000 others by reading none of those of its own workspace', () => {
  let read = 0
  const claims: Claim[] = []
  const [route] = routesOf([{ paths: ['/x'] }]) as [RouteItem]
  for (let number = 0; number < 20_000; number += 1) {
    const [claim] = claimsOf({ ...route, id: `r${number}`, workspace: x, paths: [`/x/${number}`] })
    if (claim === undefined) continue
    const { workspace } = claim
    Object.defineProperty(claim, 'workspace', { get: () => ((read += 1), workspace) })
    claims.push(claim)
  }
  const [theirs] = claimsOf({ ...route, id: 'theirs', workspace: y, paths: ['/y'] })
  const index = indexOf([...claims, theirs as Claim])
  read = 0
  const [claim] = claimsOf({ ...route, id: 'new', workspace: x, paths: ['/x'] })
  expect([...competing(index, claim as Claim)]).toEqual([])
  expect(read).toBe(0)
})

const owned: Owned = {
  [x]: { owned_paths: ['/x'], owned_hosts: ['*.x.test'] },
  [y]: { owned_paths: ['/x/y'] },
}

test.each<[string, string, Record<string, unknown>, boolean]>([
  ['a path of the other', y, { paths: ['/x/1'] }, false],
  ['a path of its own within that', y, { paths: ['/x/y/1'] }, true],
  ['a host of the other', y, { hosts: ['api.x.test'], paths: ['/y'] }, false],
  [
    'a path of its own on a host of the other',
    y,
    { hosts: ['api.x.test'], paths: ['/x/y'] },
    false,
  ],
  ['everything that nobody owns', y, { paths: ['/'] }, true],
  ['its own host', x, { hosts: ['api.x.test'] }, true],
  ['a path of the other by an expression', y, by('http.path == "/x/1"'), false],
  ['a host of the other by an expression', y, by('http.host =^ ".api.x.test"'), false],
  ['its own path by an expression', x, by('http.path ^= "/x/1" && net.src.port > 1'), true],
  ['everything by an expression', y, by('!(http.path == "/")'), true],
])('what a workspace owns decides: a route for %s', async (_, workspace, fields, isAccepted) => {
  const found = await refusal([], [inWorkspace(workspace, fields)], { owned })
  expect(found === undefined).toBe(isAccepted)
})

test('a route of the owner is compared with none of the others', async () => {
  const theirs = inWorkspace(y, { paths: ['/'] })
  const ours = inWorkspace(x, { paths: ['/x/1', '~/x/.*'] })
  expect(await refusal([theirs], [ours])).toBeDefined()
  expect(await refusal([theirs], [ours], { owned })).toBeUndefined()
})

test.each<[string, Owned, Owned, boolean]>([
  ['takes a path under which another has a route', {}, { [x]: { owned_paths: ['/y'] } }, false],
  ['takes a host of a route of another', {}, { [x]: { owned_hosts: ['*.test'] } }, false],
  [
    'takes what another owns',
    { [y]: { owned_paths: ['/z'] } },
    { [x]: { owned_paths: ['/z'] }, [y]: { owned_paths: ['/z'] } },
    false,
  ],
  [
    'passes on what another owned',
    { [y]: { owned_paths: ['/z'] } },
    { [x]: { owned_paths: ['/z'] } },
    true,
  ],
  ['takes a path that nobody uses', {}, { [x]: { owned_paths: ['/z'] } }, true],
  [
    'leaves a route of the owner to the owner of more',
    { [x]: { owned_paths: ['/'] }, [y]: { owned_paths: ['/y'] } },
    { [x]: { owned_paths: ['/'] } },
    false,
  ],
])('a grant that %s', async (_, before, after, isAccepted) => {
  const isolation = openIsolation({ strategy: 'smart' })
  const routes = [inWorkspace(y, { paths: ['/y/1'] }), inWorkspace(y, { hosts: ['y.test'] }, 'h')]
  const change = { before: snapshotWith(routes, before), after: snapshotWith(routes, after) }
  const member = { ...superAdmin, isSuperAdmin: () => false }
  const statusFor = (author: typeof superAdmin) => statusOf(isolation.check({ ...change, author }))
  expect(await statusFor(superAdmin)).toBe(isAccepted ? undefined : 409)
  expect(await statusFor(member)).toBe(403)
})

test.each([
  ['every name', '*', 409],
  ['a name of a route', 'api.y.test', 409],
  ['a name that matches one of a route', '*.y.test', 409],
  ['a server name of a route', 'tls.test', 409],
  ['a server name of an expression', 'by.test', 409],
  ['another name', 'api.x.test', undefined],
])(
  'refuses a certificate that would be presented to callers of another workspace: %s',
  async (_, name, status) => {
    const isolation = openIsolation({ strategy: 'smart' })
    const routes = [
      inWorkspace(y, { hosts: ['api.y.test'] }),
      inWorkspace(y, { paths: ['/y'], protocols: ['https'], snis: ['tls.test'] }, 'tls'),
      inWorkspace(y, by('http.path ^= "/y" && tls.sni == "by.test"', 'https'), 'by'),
    ]
    const before = snapshotWith(routes)
    const sni: SnapshotItem<'snis'> = { id: 's', workspace: x, name, certificate: { id: 'c' } }
    const after = { ...before, snis: before.snis.with('s', sni) }
    expect(await statusOf(isolation.check({ before, after, author: superAdmin }))).toBe(status)
  },
)

test.each<[Strategy, Record<string, unknown>, boolean]>([
  ['static', { paths: ['/a'], hosts: ['h.test'] }, false],
  ['static', { paths: ['/a'], hosts: ['h.test'], methods: ['GET', 'PUT'] }, false],
  ['static', { paths: ['/a'], hosts: ['h.test'], methods: ['PUT'] }, true],
  ['static', { paths: ['/a/b'], hosts: ['h.test'] }, true],
  ['static', { paths: ['/a'] }, true],
  ['off', { paths: ['/a'], hosts: ['h.test'] }, true],
  ['path', { paths: ['/workspace-x/v1/a'] }, true],
  ['path', { paths: ['/workspace-y/v1/a'] }, false],
  ['path', { hosts: ['a.test'] }, false],
  ['static', by('http.path == "/a" && http.host == "h.test"'), false],
  ['static', by('http.path == "/b" && http.host == "h.test"'), true],
  ['path', by('http.path ^= "/workspace-x/v1/a"'), true],
  ['path', by('http.path ^= "/workspace-x/v1/a" || http.path == "/b"'), false],
  ['path', by('http.host == "a.test"'), false],
])('the strategy %s for a route with %j', async (strategy, fields, isAccepted) => {
  const known = { paths: ['/a', '/c'], hosts: ['H.test'], methods: ['GET'] }
  for (const workspace of strategy === 'static' ? [x, y] : [y]) {
    const before = [inWorkspace(workspace, known, 'known')]
    const found = await refusal(before, [inWorkspace(x, fields)], { strategy })
    expect(found === undefined).toBe(isAccepted)
  }
})

test.each([
  ['/$(workspace)/v%d/.*', '/a.b/v1/x', true],
  ['/$(workspace)/v%d/.*', '/aXb/v1/x', false],
  ['/%a%a-%d%d', '/ab12', true],
  ['/%w*', '/ab1-', false],
  ['/a%-b', '/a-b', true],
])('the path pattern %s for %s', (pattern, path, isAccepted) => {
  const check = () => checkPathPattern(inWorkspace(x, { paths: [path] }), 'a.b', pattern)
  expect(pathPatternError(pattern)).toBeUndefined()
  expect(throws(check)).toBe(!isAccepted)
})
