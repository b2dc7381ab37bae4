import type { Command } from 'commander'
import type { AuditSource } from './open-audit-source.ts'

type Options = {
  readonly data?: string
  readonly database?: string
  readonly key?: readonly string[]
  readonly checkpoint?: readonly string[]
  readonly json?: true
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  value,
]

/** These commands read the store directly; no control plane has to run. */
export function addAuditCommand(program: Command): void {
  const audit = program.command('audit').description('Verify the audit log.')
  const subcommand = (name: string, about: string): Command =>
    audit
      .command(name)
      .description(about)
      .option('--data <directory>', 'data directory (WEIR_DATA, default ./data)')
      .option('--database <url>', 'PostgreSQL database (WEIR_DATABASE_URL)')

  subcommand('verify', 'Find every record that was removed, changed, reordered or added.')
    .option('--key <file>', 'public key that signed the log; may be repeated', collect)
    .option('--checkpoint <file>', 'checkpoint that was stored elsewhere; may be repeated', collect)
    .option('--json', 'print the report as JSON')
    .action(async ({ key, checkpoint, json, ...source }: Options) => {
      const { verifyCommand } = await import('./verify-commands.ts')
      const files = { keys: key ?? [], checkpoints: checkpoint ?? [] }
      process.exitCode = await verifyCommand(source, files, json === true)
    })
  subcommand('checkpoint', 'Print the signed end of the log, to be stored elsewhere.').action(
    async (source: AuditSource) => {
      const { checkpointCommand } = await import('./verify-commands.ts')
      await checkpointCommand(source)
    },
  )
  subcommand('key', 'Print the public key that verifies the log.').action(
    async (source: AuditSource) => {
      const { keyCommand } = await import('./verify-commands.ts')
      keyCommand(source)
    },
  )
}
