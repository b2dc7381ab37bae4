import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { buildTestSnapshot } from '../../test/harness/build-snapshot.ts'
import { makeAuthority } from '../../test/harness/make-certificate.ts'
import { randomFrom } from '../../test/harness/random-routes.ts'
import { randomStates } from '../../test/harness/random-snapshots.ts'
import { referenceable } from '../entities/referenceable-fields.ts'
import { runToCompletion } from '../lib/cooperative-task.ts'
import { RadixMap } from '../lib/radix-map.ts'
import { definePlugin } from '../proxy/plugin.ts'
import { compileProgram } from '../proxy/program.ts'
import type { ListName, Snapshot } from '../schema/snapshot.ts'
import { openCompileCheck } from './open-compile-check.ts'

/** A proof that counts the plugins it prepares, and those that are open. */
function openCountedProof() {
  const counts = { prepared: 0, open: 0 }
  const counted = definePlugin({
    name: 'counted',
    about: 'Counts.',
    settings: z.object({ text: referenceable(z.string()) }),
    prepare() {
      counts.prepared += 1
      counts.open += 1
      return { close: () => void (counts.open -= 1) }
    },
  })
  const prove = openCompileCheck({
    catalog: [counted],
    counters: { take: () => ({ admitted: true, counts: [] }) },
    clock: { now: () => 0 },
  })
  const proveTexts = (...texts: readonly unknown[]) =>
    runToCompletion(
      prove(
        buildTestSnapshot({
          plugins: texts.map((text) => ({ name: 'counted', config: { text } })),
        }),
      ),
    )
  return { counts, proveTexts }
}

test('the cost depends on the differences from the last accepted snapshot', () => {
  const { counts, proveTexts } = openCountedProof()
  proveTexts('a', 'b')()
  expect(counts).toEqual({ prepared: 2, open: 0 })
  proveTexts('a', 'c')
  expect(counts).toEqual({ prepared: 3, open: 0 })
  // The one before was not accepted.
  proveTexts('a', 'c')()
  expect(counts).toEqual({ prepared: 4, open: 0 })
  proveTexts('a', 'c', 'd')()
  expect(counts).toEqual({ prepared: 5, open: 0 })
  proveTexts('a')()
  expect(counts).toEqual({ prepared: 5, open: 0 })
})

test('refuses a snapshot that could not run, and continues from the last accepted one', () => {
  const { counts, proveTexts } = openCountedProof()
  proveTexts('a')()
  expect(() => proveTexts('a', 7)).toThrow('plugin plugin-1 (counted)')
  expect(() => proveTexts('a', '{vault://env/..}')).toThrow('is not a valid reference')
  proveTexts('a', '{vault://env/x}', '{vault://comes-later/x}')()
  expect(counts).toEqual({ prepared: 1, open: 0 })
})

const tools = {
  catalog: ['mtls', 'auth', 'limit', 'http2'].map((name) =>
    definePlugin({
      name,
      about: 'Does nothing.',
      settings: z.object({ number: z.number() }),
      prepare: () => ({}),
    }),
  ),
  counters: { take: () => ({ admitted: true, counts: [] }) },
  clock: { now: () => 0 },
}

/** Fields with which an item cannot run. */
const faults: readonly (readonly [ListName, object])[] = [
  ['plugins', { name: 'unknown' }],
  ['plugins', { config: { number: 'one' } }],
  ['upstreams', { targets: [{ id: 't', target: 'no port', weight: 1, failover: false }] }],
  ['routes', { protocols: ['http'], paths: ['~/('] }],
  ['routes', { protocols: ['tcp'], sources: [{ ip: 'nowhere', port: null }] }],
]

const authority = await makeAuthority('test')

/** The snapshot with a fault in one of its items, if it has any of that list. */
function withFault(
  snapshot: Snapshot,
  [list, fields]: (typeof faults)[number],
  at: number,
): Snapshot {
  const items = snapshot[list] as RadixMap<object>
  const [id, item] = [...items][at % Math.max(items.size, 1)] ?? []
  return id === undefined
    ? snapshot
    : { ...snapshot, [list]: items.with(id, { ...item, ...fields }) }
}

/** Routes of disabled services are left out of programs, and would come back into them unproved. */
const withEnabledServices = (snapshot: Snapshot): Snapshot => ({
  ...snapshot,
  services: RadixMap.from(
    [...snapshot.services].map(([id, service]) => [id, { ...service, enabled: true }] as const),
  ),
})

test('refuses a difference exactly when a complete program cannot be compiled', () => {
  const counts = { refused: 0, accepted: 0 }
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const random = randomFrom(seed)
      const prove = openCompileCheck(tools)
      for (const { snapshot } of randomStates(random, [authority], 8)) {
        const fault = faults[Math.floor(random() * faults.length * 2)]
        const next =
          fault === undefined ? snapshot : withFault(snapshot, fault, Math.floor(random() * 9))
        const isRefused = throws(() => compileProgram(withEnabledServices(next), 1, tools))
        expect(throws(() => runToCompletion(prove(next)))).toBe(isRefused)
        if (!isRefused) runToCompletion(prove(next))()
        counts[isRefused ? 'refused' : 'accepted'] += 1
      }
    }),
    { numRuns: 25 },
  )
  expect(Math.min(counts.refused, counts.accepted)).toBeGreaterThan(30)
})

function throws(work: () => unknown): boolean {
  try {
    work()
    return false
  } catch {
    return true
  }
}
