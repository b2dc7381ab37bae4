import type { CooperativeTask } from '../../lib/cooperative-task.ts'
import { emptySnapshot, type Snapshot } from '../../schema/snapshot.ts'
import { checkDifferences } from '../../snapshot/check-snapshot.ts'
import { referrersOf, type ConfigurationView } from '../configuration-view.ts'
import type { SnapshotSource } from '../../snapshot/build-snapshot.ts'

/**
 * Throws a Problem when a gateway could not run the snapshot. The returned function is called once the snapshot is
 * committed, and lets the next one be compiled by what differs from it.
 */
export type Compile = (snapshot: Snapshot) => CooperativeTask<() => void> | undefined

/** Proves that a snapshot can run, by what differs from the last one that was accepted. */
export type Proof = {
  /** Throws a Problem; otherwise returns a function that accepts the snapshot. */
  prove(snapshot: Snapshot, view: ConfigurationView): CooperativeTask<() => void>
}

export function openProof(compile: Compile): Proof {
  let accepted = emptySnapshot
  return {
    *prove(snapshot, view) {
      yield* checkDifferences(accepted, snapshot, snapshotSource(view))
      const compiling = compile(snapshot)
      const accept = compiling && (yield* compiling)
      return () => {
        accepted = snapshot
        accept?.()
      }
    },
  }
}

/** A configuration as snapshots are built from it. */
export const snapshotSource = (view: ConfigurationView): SnapshotSource => ({
  entries: view.entries,
  referrers: (entity, field, target) => referrersOf(view, entity, field, target),
  inWorkspace: (entity, workspace) => view.scan({ entity, workspace, index: 'all', key: '' }),
})
