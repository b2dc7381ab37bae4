import type { Command } from 'commander'
import type { ImportCommandOptions } from './import-command.ts'

/** Adds `weir openapi import`. */
export function addOpenApiCommand(program: Command): void {
  program
    .command('openapi')
    .description('Services and routes from OpenAPI documents.')
    .command('import <file>')
    .description(
      'Make a service with its routes and validation; what an earlier import made is brought up to date.',
    )
    .option('--name <name>', 'name of the service; made from the title when absent')
    .option('--url <url>', 'where the service is, instead of what the document says')
    .option('--diff', 'only show what would change')
    .option(
      '-o, --output-file <file>',
      'only write the declarative document; - for standard output',
    )
    .option('-m, --message <text>', 'what the change is for; the history keeps it')
    .option('-w, --workspace <name>', 'the workspace')
    .option('--addr <url>', 'the Admin API (WEIR_ADMIN_URL, http://127.0.0.1:8001)')
    .option('--token <token>', 'who asks (WEIR_ADMIN_TOKEN)')
    .option('--no-color', 'print without colors')
    .action(async (file: string, options: ImportCommandOptions) => {
      const { importCommand } = await import('./import-command.ts')
      await importCommand(file, options)
    })
}
