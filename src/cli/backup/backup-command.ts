import type { Command } from 'commander'
import type { CommandOptions } from '../config/command-options.ts'

/** Both call the Admin API of a running control plane. */
export function addBackupCommands(program: Command): void {
  const command = (usage: string, about: string): Command =>
    program
      .command(usage)
      .description(about)
      .option('--addr <url>', 'Admin API (WEIR_ADMIN_URL, default http://127.0.0.1:8001)')
      .option('--token <token>', 'admin token (WEIR_ADMIN_TOKEN)')
      .option(
        '--ca-cert-file <file>',
        'CA certificates for the Admin API (WEIR_ADMIN_CA_CERT_FILE)',
      )

  command('backup <name>', 'Back up the events of a running control plane.').action(
    async (name: string, options: CommandOptions) => {
      const { backupCommand } = await import('./run-backup.ts')
      await backupCommand(options, name)
    },
  )
  command('restore <name>', 'Restore the events of a backup into a running control plane.').action(
    async (name: string, options: CommandOptions) => {
      const { restoreCommand } = await import('./run-backup.ts')
      await restoreCommand(options, name)
    },
  )
}
