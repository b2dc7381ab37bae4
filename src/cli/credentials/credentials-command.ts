import type { Command } from 'commander'
import type { ReportOptions, RotateOptions } from './report-command.ts'

export function addCredentialsCommand(program: Command): void {
  const credentials = program
    .command('credentials')
    .description('Report and rotate the credentials of consumers.')
  withAccess(credentials.command('report'))
    .description('List credentials with their age, last use and expiry, without secrets.')
    .option('--kind <kind>', 'only of this kind: key-auth, basic-auth, hmac-auth, jwt, mtls-auth')
    .option('--consumer <consumer>', 'only of this consumer: id or username')
    .option('--older-than <duration>', 'only with secrets of at least this age, such as 90d')
    .option('--unused-for <duration>', 'only without a recorded request for this long, such as 30d')
    .option('--expires-within <duration>', 'only those that expire within this time, such as 14d')
    .option('--expired', 'only expired ones')
    .option('--json-output', 'print JSON')
    .option('--non-zero-exit-code', 'exit with status 2 if any credential is listed')
    .addHelpText(
      'after',
      `
Durations are seconds, or a number with s, m, h or d.

Examples:
  $ weir credentials report --older-than 90d --non-zero-exit-code
  $ weir credentials report --unused-for 30d --kind key-auth`,
    )
    .action(async (options: ReportOptions) => {
      const { reportCommand } = await import('./report-command.ts')
      await reportCommand(options)
    })
  withAccess(credentials.command('rotate <kind> <consumer> <credential>'))
    .description('Set a new secret and print it once; the old one stays valid for a time.')
    .option('--overlap <seconds>', 'how long the old secret stays valid; 0 ends it at once', '3600')
    .option('--ttl <seconds>', 'when the new secret expires (default: as the old one)')
    .option('--json-output', 'print JSON')
    .action(async (kind: string, consumer: string, credential: string, options: RotateOptions) => {
      const { rotateCommand } = await import('./report-command.ts')
      await rotateCommand({ kind, consumer, credential }, options)
    })
}

const withAccess = (command: Command): Command =>
  command
    .option('-w, --workspace <name>', 'workspace (default: default)')
    .option('--addr <url>', 'Admin API (WEIR_ADMIN_URL, default http://127.0.0.1:8001)')
    .option('--token <token>', 'admin token (WEIR_ADMIN_TOKEN)')
    .option(
      '--ca-cert-file <file>',
      'authorities of the certificate of the Admin API (WEIR_ADMIN_CA_CERT_FILE)',
    )
    .option('--tls-skip-verify', 'do not verify the certificate of the Admin API')
