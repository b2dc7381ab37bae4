import type { Command } from 'commander'
import type { ImportCommandOptions } from './import-command.ts'

export function addOpenApiCommand(program: Command): void {
  program
    .command('openapi')
    .description('Create services and routes from OpenAPI documents.')
    .command('import <file>')
    .description('Create or update a service with its routes and request validation.')
    .option('--name <name>', 'name of the service (default: derived from the title)')
    .option('--url <url>', 'URL of the service (default: servers of the document)')
    .option('--diff', 'show the changes without applying them')
    .option(
      '-o, --output-file <file>',
      'write the declarative document instead of applying it; - for standard output',
    )
    .option('-m, --message <text>', 'message of the revision')
    .option('-w, --workspace <name>', 'workspace (default: default)')
    .option('--addr <url>', 'Admin API (WEIR_ADMIN_URL, default http://127.0.0.1:8001)')
    .option('--token <token>', 'admin token (WEIR_ADMIN_TOKEN)')
    .option('--ca-cert-file <file>', 'CA certificates for the Admin API (WEIR_ADMIN_CA_CERT_FILE)')
    .option('--tls-skip-verify', 'do not verify the certificate of the Admin API')
    .option('--no-color', 'print without colors')
    .action(async (file: string, options: ImportCommandOptions) => {
      const { importCommand } = await import('./import-command.ts')
      await importCommand(file, options)
    })
}
