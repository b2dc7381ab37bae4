import type { SyncPlan } from '../../schema/config-difference.ts'
import { callAdmin } from './admin-client.ts'
import {
  adminAccess,
  workspacePath,
  printOptions,
  readInput,
  type CommandOptions,
} from './command-options.ts'
import { printDifference } from './print-difference.ts'
import { showProgress } from './show-progress.ts'

export async function syncCommand(
  files: readonly string[],
  options: CommandOptions,
): Promise<void> {
  const { document, masked, workspace, query } = readInput(files, options)
  const progress = showProgress(process.stderr)
  const synced = await callAdmin<SyncPlan>(adminAccess(options), {
    method: 'POST',
    path: workspacePath(workspace, '/config/sync'),
    query: { ...query, message: options.message },
    body: document,
    onProgress: progress.on,
  }).finally(progress.end)
  if (options.jsonOutput === true) return console.log(JSON.stringify(synced, undefined, 2))
  console.log(printDifference(synced, { ...printOptions(options, masked), isPast: true }))
  console.log(`Revision ${synced.revision} of ${workspace}.`)
}

export async function validateCommand(
  files: readonly string[],
  options: CommandOptions,
): Promise<void> {
  const { document, workspace, query } = readInput(files, options)
  const progress = showProgress(process.stderr)
  const { message } = await callAdmin<{ message: string }>(adminAccess(options), {
    method: 'POST',
    path: workspacePath(workspace, '/config/validate'),
    query,
    body: document,
    onProgress: progress.on,
  }).finally(progress.end)
  console.log(message)
}
