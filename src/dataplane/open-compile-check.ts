import { runToCompletion } from '../lib/cooperative-task.ts'
import { compileProgram, type Program, type ProgramTools } from '../proxy/program.ts'
import type { Snapshot } from '../schema/snapshot.ts'
import { collectReferences, settingsIn } from '../secrets/collect-references.ts'
import { noResolution, replaceReferences } from '../secrets/replace-references.ts'

/**
 * Proves that every node of this version can run a snapshot, where its secrets are not available: throws a Problem for
 * what does not compile, and for a reference that leads nowhere. Costs what differs from the snapshot that was accepted
 * last; returns how to accept this one.
 */
export type CompileCheck = (snapshot: Snapshot) => () => void

export function openCompileCheck(
  tools: Pick<ProgramTools, 'catalog' | 'counters' | 'clock'>,
): CompileCheck {
  const settingsOf = settingsIn(tools.catalog)
  let accepted = { resolution: noResolution, program: undefined as Program | undefined }
  return (snapshot) => {
    const { resolution: before, program: previous } = accepted
    const references = runToCompletion(collectReferences(snapshot, settingsOf, before.references))
    const resolution = runToCompletion(
      replaceReferences(references, before, { ...withoutSecrets, settingsOf }),
    )
    const { snapshot: known, withheld } = resolution
    const program = compileProgram(known, 0, { ...tools, withheld }, previous)
    // It never runs.
    program.close(previous)
    return () => {
      accepted = { resolution, program }
    }
  }
}

const withoutSecrets = { lookUp: () => ({ reason: '' }), accepts: () => true, isStale: false }
