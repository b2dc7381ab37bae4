import type { Command } from 'commander'

type Options = { readonly data?: string; readonly to?: string }

export function addSecretsCommand(program: Command): void {
  const secrets = program
    .command('secrets')
    .description('Rotate the master key that encrypts secrets, while Weir runs.')
  secrets
    .command('rotate')
    .description('Wrap the data keys with a new master key that replaces the current one.')
    .option('--data <directory>', 'data directory (WEIR_DATA, default ./data)')
    .option(
      '--to <file>',
      'file of the new key, created when it is missing; the current key stays valid',
    )
    .action(async ({ data, to }: Options) => {
      const { rotateCommand } = await import('./rotate-command.ts')
      await rotateCommand(data, to)
    })
  secrets
    .command('retire')
    .description('Remove every wrapping of the data keys but that of the current master key.')
    .option('--data <directory>', 'data directory (WEIR_DATA, default ./data)')
    .action(async ({ data }: Options) => {
      const { retireCommand } = await import('./rotate-command.ts')
      await retireCommand(data)
    })
}
