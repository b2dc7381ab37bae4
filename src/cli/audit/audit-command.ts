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

/** `weir audit`: what proves the audit log, without asking the control plane. */
export function addAuditCommand(program: Command): void {
  const audit = program.command('audit').description('Verify the audit log and prove it to others.')
  const subcommand = (name: string, about: string): Command =>
    audit
      .command(name)
      .description(about)
      .option('--data <directory>', 'where everything is kept (WEIR_DATA, ./data)')
      .option('--database <url>', 'a PostgreSQL database instead (WEIR_DATABASE_URL)')

  subcommand('verify', 'Find every record that was removed, changed, reordered or added.')
    .option('--key <file>', 'a public key that signed it; may be repeated', collect)
    .option('--checkpoint <file>', 'a checkpoint kept elsewhere; may be repeated', collect)
    .option('--json', 'print the report as JSON')
    .action(async ({ key, checkpoint, json, ...source }: Options) => {
      const { verifyCommand } = await import('./verify-command.ts')
      const files = { keys: key ?? [], checkpoints: checkpoint ?? [] }
      process.exitCode = await verifyCommand(source, files, json === true)
    })
  subcommand('checkpoint', 'Print the signed end of the log, to be kept elsewhere.').action(
    async (source: AuditSource) => {
      const { checkpointCommand } = await import('./checkpoint-command.ts')
      await checkpointCommand(source)
    },
  )
  subcommand('key', 'Print the public key that proves the log.').action(
    async (source: AuditSource) => {
      const { keyCommand } = await import('./key-command.ts')
      keyCommand(source)
    },
  )
}
