import { writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { stringify } from 'yaml'
import type { SyncPlan } from '../../schema/config-difference.ts'
import { callAdmin } from '../config/admin-client.ts'
import {
  adminAccess,
  workspacePath,
  printOptions,
  type CommandOptions,
} from '../config/command-options.ts'
import { printDifference } from '../config/print-difference.ts'
import { showProgress } from '../config/show-progress.ts'
import { readOpenApi } from './read-openapi.ts'
import { toDocument } from './to-document.ts'

export type ImportCommandOptions = CommandOptions & {
  readonly name?: string
  readonly url?: string
  readonly diff?: boolean
}

/** Imports an OpenAPI document as one change; removes what an earlier import created and the document no longer contains. */
export async function importCommand(file: string, options: ImportCommandOptions): Promise<void> {
  const { workspace = 'default', name, url, outputFile } = options
  const document = toDocument(await readOpenApi(file), { workspace, name, url })
  if (outputFile !== undefined) return write(outputFile, document)
  const isDiff = options.diff === true
  const progress = showProgress(process.stderr)
  const plan = await callAdmin<SyncPlan>(adminAccess(options), {
    method: 'POST',
    path: workspacePath(workspace, isDiff ? '/config/diff' : '/config/sync'),
    query: isDiff ? {} : { message: options.message ?? `Import ${basename(file)}` },
    body: document,
    onProgress: progress.on,
  }).finally(progress.end)
  console.log(printDifference(plan, { ...printOptions(options), isPast: !isDiff }))
}

function write(file: string, document: unknown): void {
  const text = stringify(document, { lineWidth: 0, aliasDuplicateObjects: false })
  if (file === '-') process.stdout.write(text)
  else writeFileSync(file, text)
}
