import { holdPrograms, type HeldPrograms } from '../../src/proxy/hold-programs.ts'
import { compileProgram, type Program, type ProgramTools } from '../../src/proxy/program.ts'
import type { Entries, Entry } from '../../src/entities/entry.ts'
import { entityNamed } from '../../src/entities/entities.ts'
import { defaultWorkspace } from '../../src/entities/default-workspace.ts'
import { RadixMap } from '../../src/lib/radix-map.ts'
import { buildSnapshot } from '../../src/snapshot/build-snapshot.ts'
import { checkSnapshot } from '../../src/snapshot/check-snapshot.ts'
import { openSnapshotReader } from '../../src/snapshot/read-delta.ts'
import { renderDelta } from '../../src/snapshot/render-delta.ts'
import {
  generateSealKey,
  publicKeyOf,
  sealRoot,
  verifyRoot,
} from '../../src/snapshot/seal-snapshot.ts'
import type { Snapshot, SnapshotItem } from '../../src/schema/snapshot.ts'
import { median } from '../report.ts'
import { buildRoutes, uuidFor, shapes } from './shapes.ts'

/** Milliseconds by step. */
export type ChangeTimes = Readonly<
  Record<'build' | 'check' | 'seal' | 'verify' | 'compile' | 'swap', number>
> & {
  /** Of one route, from the running program to the swap. */
  readonly oneRoute: number
  readonly bodyMegabytes: number
}

const tools: ProgramTools = {
  catalog: [],
  counters: { take: () => ({ admitted: true, counts: [] }) },
  clock: { now: () => 0 },
}

const sealKey = generateSealKey()
const publicKey = publicKeyOf(sealKey)

/** Measures each step of a change from the entities to the running program, with `count` services of one route each. */
export function measureChange(entries: Entries): ChangeTimes {
  const programs = holdPrograms(compileProgram(buildSnapshot(new Map()), 1, tools))
  const times: number[] = []
  const timed = <T>(step: () => T): T => {
    const started = performance.now()
    const result = step()
    times.push(performance.now() - started)
    return result
  }
  const snapshot = timed(() => buildSnapshot(entries))
  timed(() => checkSnapshot(snapshot))
  const sealed = timed(() => ({ snapshot, seal: sealRoot(snapshot, 2, sealKey) }))
  const message = [...renderDelta(undefined, sealed)].join('')
  const verified = timed(() => readVerified(message))
  const program = timed(() => compileProgram(verified, 2, tools))
  timed(() => programs.swap(program))
  const [build = 0, check = 0, seal = 0, verify = 0, compile = 0, swap = 0] = times
  const oneRoute = median(timeRouteChanges(verified, program, programs))
  const bodyMegabytes = message.length / 1e6
  return { build, check, seal, verify, compile, swap, oneRoute, bodyMegabytes }
}

/** Reads a snapshot as a worker that joins does. */
function readVerified(message: string): Snapshot {
  const reader = openSnapshotReader()
  const [read] = message
    .split('\n')
    .flatMap((line) => (line === '' ? [] : (reader.read(line) ?? [])))
  if (read === undefined) throw new Error('the message has no end')
  verifyRoot(read.snapshot, read.seal, publicKey)
  return read.snapshot
}

/** Milliseconds of changes of one route each, spread over all of them. */
function timeRouteChanges(first: Snapshot, running: Program, programs: HeldPrograms): number[] {
  const ids = [...first.routes.keys()]
  let [snapshot, program] = [first, running]
  return Array.from({ length: changes }, (_, index) => {
    const id = ids[(index * 7_919) % ids.length] as string
    const route = snapshot.routes.get(id) as SnapshotItem<'routes'>
    const routes = snapshot.routes.with(id, { ...route, name: `changed-${index}` })
    snapshot = { ...snapshot, routes }
    const started = performance.now()
    program = compileProgram(snapshot, 3 + index, tools, program)
    programs.swap(program)
    return performance.now() - started
  })
}

const changes = 200

export function buildEntries(count: number): Entries {
  const shape = shapes[0] as (typeof shapes)[number]
  const routes = buildRoutes(shape, count).map(({ id, ...fields }, number) =>
    entryOf(id, { ...fields, service: { id: uuidFor(number) } }),
  )
  const services = Array.from({ length: count }, (_, number) =>
    entryOf(
      uuidFor(number),
      entityNamed('service').fields.parse({ name: `service-${number}`, host: '127.0.0.1' }),
    ),
  )
  const workspace = entryOf(defaultWorkspace.id, { name: defaultWorkspace.name })
  return new Map([
    ['workspace', byId([{ ...workspace, workspace: null }])],
    ['service', byId(services)],
    ['route', byId(routes)],
  ])
}

const byId = (entries: readonly Entry[]): RadixMap<Entry> =>
  RadixMap.from(entries.map((entry) => [entry.id, entry] as const))

const entryOf = (id: string, fields: Entry['fields']): Entry => ({
  id,
  workspace: defaultWorkspace.id,
  createdAt: 0,
  updatedAt: 0,
  fields,
})
