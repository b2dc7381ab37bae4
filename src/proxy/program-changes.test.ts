import fc from 'fast-check'
import { defaultTlsPolicy } from './tls-policy.ts'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { buildExchange } from '../../test/harness/build-target.ts'
import { makeAuthority } from '../../test/harness/make-certificate.ts'
import { randomFrom } from '../../test/harness/random-routes.ts'
import {
  randomStates,
  secrets,
  serverNames,
  type RandomState,
} from '../../test/harness/random-snapshots.ts'
import { RadixMap } from '../lib/radix-map.ts'
import type { KnownConsumer } from './directory.ts'
import { definePlugin, type PluginDefinition, type PluginUse } from './plugin.ts'
import { compileProgram, type Program, type RouteProgram } from './program.ts'

const authority = await makeAuthority('test')
const pems = [authority, await authority.issue({ names: ['a.test'] }), await makeAuthority('other')]

/** A prepared plugin says of which plugin it is, with which settings. */
const labelled = (name: string, more: Partial<PluginDefinition> = {}) => ({
  ...definePlugin({
    name,
    about: 'Does nothing.',
    settings: z.object({ number: z.number() }),
    prepare: ({ number }, { id }): PluginUse =>
      Object.assign<PluginUse, object>({}, { label: `${id} ${number}` }),
  }),
  ...more,
})

const tools = {
  catalog: [
    labelled('mtls', {
      trustedAuthorities: ({ number }) => [`ca_certificates-${Number(number) - 1}`],
    }),
    labelled('auth', { identifies: true }),
    labelled('limit'),
    labelled('http2', { offersHttp2: true }),
  ],
  counters: { take: () => ({ admitted: true, counts: [] }) },
  clock: { now: () => 5_000 },
}

const compile = ({ snapshot, withheld }: RandomState, previous?: Program): Program =>
  compileProgram(snapshot, 1, { ...tools, withheld }, previous)

const workspaces = ['workspaces-0', 'workspaces-1']
const callers = workspaces.flatMap((workspace) =>
  ['ann', 'bob', 'consumers-0', 'consumers-1', 'consumers-2', 'consumers-3'].map(
    (name) => [workspace, name] as const,
  ),
)

/** All that a program decides. */
function decisionsOf(program: Program) {
  const consumers = callers.map((one) => program.directory.findConsumer(...one))
  const requests = ['h.test', 'other.test'].flatMap((host) =>
    ['/', '/a', '/a/b/c'].flatMap((path) =>
      (['http', 'https'] as const).map((scheme) => buildExchange({ host, path, scheme }).request),
    ),
  )
  const streams = ['10.0.0.1', '127.0.0.1'].map((address) =>
    program.streams.find({
      kinds: ['tcp'],
      source: { address, port: 1 },
      destination: { address: '', port: 1 },
      serverName: undefined,
    }),
  )
  const { pools, services, routes, owned, plugins, directory, names } = program.tables
  return {
    routes: requests.map((request) => {
      const match = program.router.match(request)
      return [match?.pattern, describeRoute(program, match?.route, consumers)]
    }),
    streams: streams.map((route) => describeRoute(program, route, consumers)),
    consumers,
    keys: workspaces.flatMap((one) => secrets.map((key) => program.directory.findKey(one, key))),
    certificates: serverNames.map((name) => certificateFor(program, name)),
    clientCas: program.names.clientCas,
    indexes: [
      pools.upstreams,
      pools.ofCertificate,
      pools.ofHost,
      services.references,
      routes.references,
      owned.ownership.hosts,
      plugins.ofGroup,
      plugins.http2Offers,
      plugins.authorities,
      directory.keys,
      ...Object.values(directory.credentials),
      directory.groupLists,
      names.byName,
    ].map((index) => [...(index as RadixMap<unknown>)].map(([key, value]) => [key, plain(value)])),
    pools: [...pools.pools].map(([id, { plan }]) => [id, { ...plan, balancer: undefined }]),
    services: [...services.services].map(([id, { pool, tls, ...service }]) => {
      return [id, { ...service, pool: pool.plan.id, tls: tls?.identity }]
    }),
  }
}

function describeRoute(
  program: Program,
  route: RouteProgram | undefined,
  consumers: readonly (KnownConsumer | undefined)[],
) {
  if (route === undefined) return undefined
  const { service, chosen: _, ...others } = route
  const { identify, authorize } = program.pluginsOf(route)
  return {
    ...others,
    service: service && {
      ...service,
      pool:
        program.tables.pools.pools.get(service.pool.plan.id) === service.pool &&
        service.pool.plan.id,
      tls: service.tls?.identity,
    },
    plugins: [identify, ...[undefined, ...consumers].map(authorize)].map((plugins) =>
      plugins.map(({ use, ...plugin }) => ({ ...plugin, use: labelOf(use) })),
    ),
  }
}

/** A group as an array. */
const plain = (value: unknown): unknown => (value instanceof RadixMap ? [...value] : value)

const labelOf = (use: object): string => ('label' in use ? String(use.label) : 'refuses')

const certificateFor = ({ names }: Program, name: string): string => {
  const context = names.find(name, defaultTlsPolicy) as
    | { context: { getCertificate(): Buffer } }
    | undefined
  return context?.context.getCertificate().toString('base64') ?? ''
}

const runs = { numRuns: 150 }

test('a program compiled from the one before decides as one that is compiled from scratch, and the one before as before', () => {
  const found = { routes: 0, streams: 0, plugins: 0, keys: 0, certificates: 0 }
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      let previous: Program | undefined
      let decided: unknown
      for (const state of randomStates(randomFrom(seed), pems, 12)) {
        const next = compile(state, previous)
        const decisions = decisionsOf(next)
        expect(decisions).toEqual(decisionsOf(compile(state)))
        expect(previous && decisionsOf(previous)).toEqual(decided)
        previous = next
        decided = decisions
        const { routes, streams, keys, certificates } = decisions
        found.routes += routes.filter(([, route]) => route !== undefined).length
        found.streams += streams.filter((route) => route !== undefined).length
        found.plugins += Number(JSON.stringify(decisions).includes('"use":"plugins-'))
        found.keys += keys.filter((key) => key !== undefined).length
        found.certificates += certificates.filter((certificate) => certificate !== '').length
      }
    }),
    runs,
  )
  for (const count of Object.values(found)) expect(count).toBeGreaterThan(100)
})

test('programs share what did not change', () => {
  const shared = {
    pools: 0,
    services: 0,
    routes: 0,
    plugins: 0,
    names: 0,
    directory: 0,
    contexts: 0,
    tls: 0,
  }
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      let previous: Program | undefined
      for (const state of randomStates(randomFrom(seed), pems, 12)) {
        const next = compile(state, previous)
        for (const [kind, before, after] of pairsOf(previous ?? next, next)) {
          const isShared = after.object === before.object
          expect([kind, isShared]).toEqual([kind, after.text === before.text])
          shared[kind] += Number(isShared)
        }
        previous = next
      }
    }),
    runs,
  )
  for (const count of Object.values(shared)) expect(count).toBeGreaterThan(100)
})

type Part = { readonly object: unknown; readonly text: string }
type Kind = 'pools' | 'services' | 'routes' | 'plugins' | 'names' | 'directory' | 'contexts' | 'tls'

/** The parts of two programs that both have, with all that they depend on as text. */
function* pairsOf(before: Program, after: Program): Generator<readonly [Kind, Part, Part]> {
  const [old, fresh] = [partsOf(before), partsOf(after)]
  for (const [key, [kind, part]] of old) {
    const next = fresh.get(key)
    if (next !== undefined) yield [kind, part, next[1]]
  }
}

function partsOf({ tables, names, directory }: Program): Map<string, readonly [Kind, Part]> {
  const { pools, services, routes, plugins, snapshot } = tables
  const parts = new Map<string, readonly [Kind, Part]>()
  const add = (kind: Kind, id: string, object: unknown, text: unknown): void =>
    void parts.set(`${kind} ${id}`, [kind, { object, text: JSON.stringify(text) }])
  const textOf = (service: RouteProgram['service']) =>
    service && [
      service.service,
      service.pool.plan,
      service.hostHeader,
      service.tls?.identity,
      service.offersHttp2,
    ]
  for (const [id, pool] of pools.pools) add('pools', id, pool, pool.plan)
  for (const [id, service] of services.services) {
    add('services', id, service, textOf(service))
    if (service.tls !== undefined) add('tls', id, service.tls, service.tls.identity)
  }
  for (const [id, route] of routes.routes)
    add('routes', id, route, [route.route, route.routeRef, textOf(route.service)])
  for (const [id, { use, name }] of plugins.byId)
    add('plugins', id, use, labelOf(use) === 'refuses' ? '' : [labelOf(use), name])
  const listed = (...lists: readonly Iterable<unknown>[]) => lists.map((list) => [...list])
  const { certificates, snis, consumers, keys, basic_auths, jwts, hmac_auths } = snapshot
  add('names', '', names, [listed(certificates, snis), names.clientCas])
  add('directory', '', directory, listed(consumers, keys, basic_auths, jwts, hmac_auths))
  for (const name of serverNames) {
    const context = names.find(name, defaultTlsPolicy)
    const certificate = certificates.get(tables.names.byName.get(name) ?? '')
    if (context !== undefined && certificate !== undefined)
      add('contexts', name, context, [certificate, names.clientCas])
  }
  return parts
}
