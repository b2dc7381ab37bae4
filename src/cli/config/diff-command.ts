import type { SyncPlan } from '../../schema/config-difference.ts'
import type { PreviewReport } from '../../schema/preview.ts'
import { callAdmin } from './admin-client.ts'
import {
  adminAccess,
  workspacePath,
  printOptions,
  readInput,
  type CommandOptions,
  type SyncInput,
} from './command-options.ts'
import { printDifference } from './print-difference.ts'
import { printPreview } from './print-preview.ts'
import { showProgress } from './show-progress.ts'

/** Prints what a sync would change. Exits as decK does: 0, or 2 with --non-zero-exit-code and differences. */
export async function diffCommand(
  files: readonly string[],
  options: CommandOptions,
): Promise<void> {
  const input = readInput(files, options)
  const { plan, traffic } = await fetchPlan(input, options)
  const result = traffic === undefined ? plan : { plan, traffic }
  const print = printOptions(options, input.masked)
  if (options.jsonOutput === true) console.log(JSON.stringify(result, undefined, 2))
  else console.log(printDifference(plan, print))
  if (options.jsonOutput !== true && traffic !== undefined) {
    console.log(`\n${printPreview(traffic, print)}`)
  }
  if (options.nonZeroExitCode === true && plan.items.length > 0) process.exitCode = 2
}

type Planned = { readonly plan: SyncPlan; readonly traffic?: PreviewReport }

async function fetchPlan(input: SyncInput, options: CommandOptions): Promise<Planned> {
  const { againstTraffic: window } = options
  if (window === undefined) return { plan: await post<SyncPlan>(input, options, '/config/diff') }
  const query = { ...input.query, window }
  return post<Planned>({ ...input, query }, options, '/config/preview')
}

async function post<Result>(
  { document, workspace, query }: SyncInput,
  options: CommandOptions,
  path: string,
): Promise<Result> {
  const progress = showProgress(process.stderr)
  return callAdmin<Result>(adminAccess(options), {
    method: 'POST',
    path: workspacePath(workspace, path),
    query,
    body: document,
    onProgress: progress.on,
  }).finally(progress.end)
}
