import { writeFileSync } from 'node:fs'
import { stringify } from 'yaml'
import { Problem } from '../../lib/problem.ts'
import { callAdmin, type AdminAccess } from './admin-client.ts'
import { adminAccess, workspacePath, type CommandOptions } from './command-options.ts'

/** Writes one workspace, or all of them, as documents. */
export async function dumpCommand(options: CommandOptions): Promise<void> {
  const { format = 'yaml', allWorkspaces, outputFile } = options
  if (format !== 'yaml' && format !== 'json') {
    throw new Problem('cli.format', 400, `--format ${format}: expected yaml or json`)
  }
  const access = adminAccess(options)
  if (allWorkspaces === true) {
    const { data } = await callAdmin<{ data: readonly { name: string }[] }>(access, {
      method: 'GET',
      path: '/workspaces',
      query: { size: '1000' },
    })
    for (const { name } of data) {
      write(`${name}.${format}`, await dump(access, { ...options, workspace: name }), format)
    }
    return
  }
  write(outputFile ?? '-', await dump(access, options), format)
}

const dump = (access: AdminAccess, options: CommandOptions): Promise<unknown> =>
  callAdmin(access, {
    method: 'GET',
    path: workspacePath(options.workspace ?? 'default', '/config/document'),
    query: {
      tags: options.selectTag?.join(','),
      with_id: options.withId === true ? 'true' : undefined,
      rbac_resources_only: options.rbacResourcesOnly === true ? 'true' : undefined,
    },
  })

function write(file: string, document: unknown, format: 'yaml' | 'json'): void {
  const text =
    format === 'json'
      ? `${JSON.stringify(document, undefined, 2)}\n`
      : stringify(document, { lineWidth: 0, aliasDuplicateObjects: false })
  if (file === '-') process.stdout.write(text)
  else writeFileSync(file, text, { mode: 0o600 })
}
