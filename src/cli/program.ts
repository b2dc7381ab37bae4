import { Command } from 'commander'
import { Problem } from '../lib/problem.ts'
import { addAuditCommand } from './audit/audit-command.ts'
import { addBackupCommands } from './backup/backup-command.ts'
import { addConfigCommand } from './config/config-command.ts'
import { addEraseCommand } from './erase/erase-command.ts'
import { addCredentialsCommand } from './credentials/credentials-command.ts'
import { addOpenApiCommand } from './openapi/openapi-command.ts'
import { addSecretsCommand } from './secrets/secrets-command.ts'
import { readVersion } from './environment.ts'
import { SettingsError } from './settings-error.ts'
import type { StartOptions } from './start.ts'

/** The command line; `npm run reference` describes it. */
export const program = new Command('weir')
  .description('API gateway, governance and governed analytics in one program.')
  .version(readVersion())

program
  .command('start')
  .description('Start Weir: a control plane and gateway workers, or one of the two.')
  .option('--data <directory>', 'data directory (WEIR_DATA, default ./data)')
  .option('--plane <plane>', 'run only the plane "control" or "gateway" (WEIR_PLANE)')
  .option(
    '--control-url <url>',
    'with --plane gateway: node address of the control plane (WEIR_CONTROL_URL)',
  )
  .addHelpText(
    'after',
    `
Planes:
  A control plane that runs alone writes a join token to <data>/join-token. A gateway plane
  needs it in WEIR_JOIN_TOKEN or WEIR_JOIN_TOKEN_FILE, and connects to the address that
  WEIR_NODE_LISTEN sets on the control plane (default 127.0.0.1:8005). The node protocol is
  plain HTTP: between machines, use a private network, or a TLS proxy and an https URL.

Signals:
  SIGTERM, SIGINT  stop gracefully; a second one stops at once
  SIGHUP           replace the gateway workers one after the other
  SIGUSR2          upgrade to the program on disk without dropping a request

Examples:
  $ weir start --data /var/lib/weir
  $ weir start --plane control
  $ WEIR_JOIN_TOKEN_FILE=join-token weir start --plane gateway --control-url http://10.0.0.1:8005`,
  )
  .action(async (options: StartOptions) => {
    const { startCommand } = await import('./start.ts')
    await startCommand(options)
  })

program
  .command('demo')
  .description('Start Weir with sample services, two workspaces and steady traffic.')
  .option('--data <directory>', 'data directory (default: a temporary one, removed at exit)')
  .action(async ({ data }: { data?: string }) => {
    const { demoCommand } = await import('./demo.ts')
    await demoCommand(data)
  })

addConfigCommand(program)
addOpenApiCommand(program)
addAuditCommand(program)
addBackupCommands(program)
addEraseCommand(program)
addSecretsCommand(program)
addCredentialsCommand(program)

/** Runs the command that the arguments name. */
export async function runProgram(): Promise<void> {
  try {
    await program.parseAsync()
  } catch (error) {
    if (!(error instanceof SettingsError) && !(error instanceof Problem)) throw error
    console.error(error.message)
    process.exit(error instanceof SettingsError ? 2 : 1)
  }
}
