import type { Command } from 'commander'

type Options = { readonly data?: string; readonly to?: string }

/** `weir secrets`: the key by which secrets are sealed. */
export function addSecretsCommand(program: Command): void {
  const secrets = program
    .command('secrets')
    .description('Change the key by which secrets are sealed; nothing has to be stopped.')
  secrets
    .command('rotate')
    .description('Wrap the data keys by a new key, and put it in the place of the present one.')
    .option('--data <directory>', 'where everything is kept (WEIR_DATA, ./data)')
    .option('--to <file>', 'the new key, made when it is not there; the present one stays valid')
    .action(async ({ data, to }: Options) => {
      const { rotateCommand } = await import('./rotate-command.ts')
      await rotateCommand(data, to)
    })
  secrets
    .command('retire')
    .description('Let the data keys be opened by the present key only, and by none before it.')
    .option('--data <directory>', 'where everything is kept (WEIR_DATA, ./data)')
    .action(async ({ data }: Options) => {
      const { retireCommand } = await import('./rotate-command.ts')
      await retireCommand(data)
    })
}
