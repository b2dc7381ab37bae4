import type { Configuration } from '../control/configuration.ts'
import type { RevisionRetention } from '../control/prune-revisions.ts'
import type { Log } from '../lib/log.ts'
import { readSyncs } from './record-sync.ts'

const hour = 60 * 60_000

/** Prunes revisions at the start and every hour; the returned function stops it. */
export function startRevisionPruning(
  configuration: Configuration,
  retention: RevisionRetention,
  log: Pick<Log, 'error'>,
): () => void {
  const prune = async (): Promise<void> =>
    configuration.pruneRevisions(retention, await oldestSync(configuration))
  const run = (): void =>
    void prune().catch((error: unknown) =>
      log.error('control: pruning revisions failed', { error }),
    )
  const timer = setInterval(run, hour)
  timer.unref()
  run()
  return () => clearInterval(timer)
}

/** The oldest revision that drift is found from: that of the last sync of a workspace with a set of tags. */
async function oldestSync(configuration: Configuration): Promise<number> {
  const workspaces = configuration.list({ entity: 'workspace', workspace: null })
  let oldest = Infinity
  for (const { id } of workspaces) {
    for (const { revision } of Object.values(await readSyncs(configuration, id)))
      oldest = Math.min(oldest, revision)
  }
  return oldest
}
