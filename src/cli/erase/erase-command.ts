import type { Command } from 'commander'
import type { EraseOptions } from './run-erase.ts'

/** Options that select a subject, with their descriptions. */
const selectors = {
  consumer: 'id or username of a consumer',
  subject: 'subject of a token',
  credential: 'id of a credential',
  clientAddress: 'address of a client',
  agent: 'an agent',
  peerIdentity: 'SPIFFE ID of a peer',
} as const

/** It calls the Admin API of a running control plane. */
export function addEraseCommand(program: Command): void {
  const command = program
    .command('erase')
    .description('Erase the recorded requests of a consumer, a subject or another caller.')
    .option('--workspace <name>', 'only requests of this workspace')
    .option('--addr <url>', 'Admin API (WEIR_ADMIN_URL, default http://127.0.0.1:8001)')
    .option('--token <token>', 'admin token (WEIR_ADMIN_TOKEN)')
    .option('--ca-cert-file <file>', 'authority of its certificate (WEIR_ADMIN_CA_CERT_FILE)')
  for (const [name, about] of Object.entries(selectors))
    command.option(
      `--${name.replaceAll(/[A-Z]/g, (one) => `-${one.toLowerCase()}`)} <value>`,
      about,
    )
  command.action(async (options: EraseOptions) => {
    const { eraseCommand } = await import('./run-erase.ts')
    await eraseCommand(options, Object.keys(selectors))
  })
}
