import type { SyncPlan } from '../../schema/config-difference.ts'
import { callAdmin } from './admin-client.ts'
import {
  accessOf,
  pathIn,
  printOf,
  wantedOf,
  type CommandOptions,
  type Wanted,
} from './command-options.ts'
import { printDifference } from './print-difference.ts'
import { showProgress } from './show-progress.ts'

/** Shows what a sync would do. With decK’s exit codes: 0, or 2 when something differs and that was asked for. */
export async function diffCommand(
  files: readonly string[],
  options: CommandOptions,
): Promise<void> {
  const wanted = wantedOf(files, options)
  const plan = await ask<SyncPlan>(wanted, options, '/config/diff')
  if (options.jsonOutput === true) console.log(JSON.stringify(plan, undefined, 2))
  else console.log(printDifference(plan, printOf(options, wanted.masked)))
  if (options.nonZeroExitCode === true && plan.items.length > 0) process.exitCode = 2
}

async function ask<Result>(
  { document, workspace, query }: Wanted,
  options: CommandOptions,
  path: string,
): Promise<Result> {
  const progress = showProgress(process.stderr)
  return callAdmin<Result>(accessOf(options), {
    method: 'POST',
    path: pathIn(workspace, path),
    query,
    body: document,
    onProgress: progress.on,
  }).finally(progress.end)
}
