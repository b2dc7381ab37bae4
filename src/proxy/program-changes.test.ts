import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compile, decisionsOf, labelOf, pems } from '../../test/harness/compile-states.ts'
import { randomFrom } from '../../test/harness/random-routes.ts'
import { randomStates, serverNames } from '../../test/harness/random-snapshots.ts'
import type { Program, RouteProgram } from './program.ts'
import { defaultTlsPolicy } from './tls-policy.ts'

const runs = { numRuns: 150 }

test('a program compiled by difference decides like one compiled from scratch, and the previous one like before', () => {
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

test('programs share unchanged parts', () => {
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
  const { mtls_auths, ca_certificates, consumer_groups } = snapshot
  add('names', '', names, [listed(certificates, snis), names.clientCas])
  add(
    'directory',
    '',
    directory,
    listed(
      consumers,
      consumer_groups,
      keys,
      basic_auths,
      jwts,
      hmac_auths,
      mtls_auths,
      ca_certificates,
    ),
  )
  for (const name of serverNames) {
    const context = names.find(name, defaultTlsPolicy)
    const certificate = certificates.get(tables.names.byName.get(name) ?? '')
    if (context !== undefined && certificate !== undefined)
      add('contexts', name, context, [certificate, names.clientCas])
  }
  return parts
}
