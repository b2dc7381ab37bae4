import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Problem } from '../../src/lib/problem.ts'
import type { Program } from '../../src/proxy/program.ts'
import { openSnapshotReader } from '../../src/snapshot/read-delta.ts'
import { renderDelta, type SealedState } from '../../src/snapshot/render-delta.ts'
import {
  generateSealKey,
  publicKeyOf,
  sealRoot,
  verifyRoot,
} from '../../src/snapshot/seal-snapshot.ts'
import { compile, decisionsOf, pems } from '../harness/compile-states.ts'
import { randomFrom } from '../harness/random-routes.ts'
import { randomStates, type RandomState } from '../harness/random-snapshots.ts'

const key = generateSealKey()
const publicKey = publicKeyOf(key)

type Random = () => number
/** `decisions` are those of a program that is compiled from scratch. */
type Published = {
  readonly state: RandomState
  readonly sealed: SealedState
  readonly decisions: unknown
}

/** Lost, repeated or exchanged lines of a delta. */
const damages: readonly ((lines: readonly string[], at: number) => readonly string[])[] = [
  (lines) => lines,
  (lines, at) => lines.toSpliced(at, 1),
  (lines, at) => lines.toSpliced(at, 0, lines[at] ?? ''),
  (lines, at) => lines.toSpliced(at, 2, ...lines.slice(at, at + 2).toReversed()),
  (lines, at) => lines.slice(0, at),
]

test('every worker runs the program of the revision that was sealed, whatever happens to deltas and workers', () => {
  const counts = { applied: 0, refused: 0, skipped: 0 }
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const random = randomFrom(seed)
      const published: Published[] = []
      const workers = [0, 1, 2].map(() => openWorker(published))
      const reach = (worker: Worker, damage: (typeof damages)[number]): void => {
        const outcome = worker.receive(published.at(-1) as Published, (lines) =>
          damage(lines, Math.floor(random() * lines.length)),
        )
        counts[outcome] += 1
      }
      for (const state of randomStates(random, pems, 12)) {
        const revision = published.length + 1
        const { snapshot } = state
        const sealed = { snapshot, seal: sealRoot(snapshot, revision, key) }
        published.push({ state, sealed, decisions: decisionsOf(compile(state)) })
        for (const [at, worker] of workers.entries()) {
          const chance = random()
          if (chance < 0.15) workers[at] = openWorker(published, pickBase(published, random))
          else if (chance < 0.8) reach(worker, pick(damages, random))
        }
      }
      // Twice, because the first may follow a delta without its end.
      for (const worker of workers)
        for (let attempt = 0; attempt < 2; attempt += 1) reach(worker, (lines) => lines)
      for (const worker of workers) expect(worker.revision()).toBe(published.length)
    }),
    { numRuns: 25 },
  )
  for (const count of Object.values(counts)) expect(count).toBeGreaterThan(100)
})

const pick = <Item>(items: readonly Item[], random: Random): Item =>
  items[Math.floor(random() * items.length)] as Item

/** Snapshot on the disk of a killed worker: none, or any revision. */
const pickBase = (published: readonly Published[], random: Random): Published | undefined =>
  random() < 0.3 ? undefined : pick(published, random)

type Worker = ReturnType<typeof openWorker>

/** A worker that was killed, or never ran, and starts from a revision on its disk. */
function openWorker(published: readonly Published[], disk?: Published) {
  let base = disk && asRead(disk.sealed)
  let reader = openSnapshotReader(base)
  let program: Program | undefined
  let wantsAll = false
  const apply = (received: SealedState): void => {
    verifyRoot(received.snapshot, received.seal, publicKey)
    const { revision, root } = received.seal
    const { state, sealed, decisions } = published[revision - 1] as Published
    expect(root).toBe(sealed.seal.root)
    program = compile({ snapshot: received.snapshot, withheld: state.withheld }, program)
    expect(decisionsOf(program)).toEqual(decisions)
    base = received
    wantsAll = false
  }
  if (base !== undefined) apply(base)
  return {
    revision: () => base?.seal.revision,
    /** Receives the damaged delta to the newest revision; after a refusal, a complete snapshot. */
    receive(newest: Published, damage: (lines: readonly string[]) => readonly string[]) {
      const known =
        base && !wantsAll
          ? { ...base.seal, snapshot: publishedOf(base).sealed.snapshot }
          : undefined
      const delta = [...renderDelta(known, newest.sealed)].join('').trimEnd().split('\n')
      try {
        const read = damage(delta).flatMap((line) => reader.read(line) ?? [])
        for (const received of read) apply(received)
        return read.length > 0 ? 'applied' : 'skipped'
      } catch (error) {
        if (!(error instanceof Problem)) throw error
        reader = openSnapshotReader(base)
        wantsAll = true
        return 'refused'
      }
    },
  }

  function publishedOf({ seal }: SealedState): Published {
    return published[seal.revision - 1] as Published
  }
}

/** A state as it is read from a disk, with other objects. */
function asRead(sealed: SealedState): SealedState | undefined {
  const reader = openSnapshotReader()
  const lines = [...renderDelta(undefined, sealed)].join('').trimEnd().split('\n')
  return lines.map((line) => reader.read(line)).at(-1)
}
