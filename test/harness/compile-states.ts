import { z } from 'zod'
import { RadixMap } from '../../src/lib/radix-map.ts'
import type { KnownConsumer } from '../../src/proxy/directory.ts'
import { definePlugin, type PluginDefinition, type PluginUse } from '../../src/proxy/plugin.ts'
import { compileProgram, type Program, type RouteProgram } from '../../src/proxy/program.ts'
import { defaultTlsPolicy } from '../../src/proxy/tls-policy.ts'
import { buildExchange } from './build-target.ts'
import { makeAuthority } from './make-certificate.ts'
import { secrets, serverNames, type RandomState } from './random-snapshots.ts'

const authority = await makeAuthority('test')
/** Certificates of random states. */
export const pems = [
  authority,
  await authority.issue({ names: ['a.test'] }),
  await makeAuthority('other'),
]

/** A prepared plugin reports its plugin and settings. */
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

/** Compiles a random state, from scratch or by what differs. */
export const compile = ({ snapshot, withheld }: RandomState, previous?: Program): Program =>
  compileProgram(snapshot, 1, { ...tools, withheld }, previous)

const workspaces = ['workspaces-0', 'workspaces-1']
const callers = workspaces.flatMap((workspace) =>
  ['ann', 'bob', 'consumers-0', 'consumers-1', 'consumers-2', 'consumers-3'].map(
    (name) => [workspace, name] as const,
  ),
)

/** All that a program decides. */
export function decisionsOf(program: Program) {
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

/** Identifies a prepared plugin and its settings. */
export const labelOf = (use: object): string => ('label' in use ? String(use.label) : 'refuses')

const certificateFor = ({ names }: Program, name: string): string => {
  const context = names.find(name, defaultTlsPolicy) as
    | { context: { getCertificate(): Buffer } }
    | undefined
  return context?.context.getCertificate().toString('base64') ?? ''
}
