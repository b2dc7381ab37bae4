import { runToCompletion, type CooperativeTask } from '../lib/cooperative-task.ts'
import { RadixMap } from '../lib/radix-map.ts'
import { compileSteps, type ProgramTools } from '../proxy/program.ts'
import { emptySnapshot, listNames, type Snapshot } from '../schema/snapshot.ts'
import { collectReferences, settingsIn } from '../secrets/collect-references.ts'
import { noResolution, replaceReferences } from '../secrets/replace-references.ts'

/**
 * Proves that every node of this version can run a snapshot, where its secrets are not available: throws a Problem for
 * what does not compile, and for a reference that leads nowhere. Costs what differs from the snapshot that was accepted
 * last; returns the function that accepts this one.
 */
export type CompileCheck = (snapshot: Snapshot) => CooperativeTask<() => void>

export function openCompileCheck(
  tools: Pick<ProgramTools, 'catalog' | 'counters' | 'clock'>,
): CompileCheck {
  const settingsOf = settingsIn(tools.catalog)
  const empty = runToCompletion(compileSteps(emptySnapshot, 0, tools))
  let accepted = noResolution
  return function* check(snapshot) {
    const before = accepted
    const references = yield* collectReferences(snapshot, settingsOf, before.references)
    const resolution = yield* replaceReferences(references, before, {
      ...withoutSecrets,
      settingsOf,
    })
    const { withheld } = resolution
    for (const part of changedParts(before.snapshot, resolution.snapshot)) {
      const program = yield* compileSteps(part, 0, { ...tools, withheld }, empty)
      // It never runs.
      program.close()
    }
    return () => {
      accepted = resolution
    }
  }
}

const withoutSecrets = { lookUp: () => ({ reason: '' }), accepts: () => true, isStale: false }

/** Items that are compiled together. */
const partSize = 256

/**
 * The items that differ, as small snapshots: whether an item compiles depends on itself and its workspace alone, so that
 * no program of everything has to be kept. A route of a disabled service is compiled too.
 */
function* changedParts(before: Snapshot, after: Snapshot): Generator<Snapshot> {
  for (const list of listNames) {
    const [was, is]: [RadixMap<object>, RadixMap<object>] = [before[list], after[list]]
    let items: [string, object][] = []
    const part = (): Snapshot => ({
      ...emptySnapshot,
      workspaces: after.workspaces,
      [list]: RadixMap.from(items),
    })
    for (const { key, after: item } of was.differencesTo(is)) {
      if (item === undefined) continue
      items.push([key, item])
      if (items.length < partSize) continue
      yield part()
      items = []
    }
    if (items.length > 0) yield part()
  }
}
