import type { Command } from 'commander'
import type { CommandOptions } from './command-options.ts'

export function addConfigCommand(program: Command): void {
  const config = program
    .command('config')
    .description('Manage the configuration as files in decK’s format, and its history.')
  addDocumentCommands(config)
  addHistoryCommands(config)
}

function addDocumentCommands(config: Command): void {
  withAccess(config.command('dump').description('Write the configuration to a file.'))
    .option('-o, --output-file <file>', 'output file; standard output when absent')
    .option('--format <format>', 'yaml or json', 'yaml')
    .option('--select-tag <tag...>', 'only entities with all of these tags')
    .option('--all-workspaces', 'one file per workspace, in the current folder')
    .option('--rbac-resources-only', 'roles and their permissions only')
    .option('--with-id', 'include ids of entities that have names')
    .action(async (options: CommandOptions) => {
      const { dumpCommand } = await import('./dump-command.ts')
      await dumpCommand(options)
    })
  withFiles(
    config.command('diff').description('Show what a sync would change, without changing it.'),
  )
    .option('--non-zero-exit-code', 'exit with status 2 when there are differences')
    .option('--json-output', 'print the plan as JSON')
    .option(
      '--against-traffic <window>',
      'also replay recorded requests of the last 24h, 7d, 30m … and show those with another result',
    )
    .action(async (files: string[], options: CommandOptions) => {
      const { diffCommand } = await import('./diff-command.ts')
      await diffCommand(files, options)
    })
  withFiles(
    config.command('sync').description('Apply the files to the configuration as one change.'),
  )
    .option('-m, --message <text>', 'message of the revision')
    .option('--allow-empty', 'allow files without entities, which delete everything')
    .option('--json-output', 'print the changes as JSON')
    .action(async (files: string[], options: CommandOptions) => {
      const { syncCommand } = await import('./sync-command.ts')
      await syncCommand(files, options)
    })
  withFiles(
    config.command('validate').description('Validate files with the control plane.'),
  ).action(async (files: string[], options: CommandOptions) => {
    const { validateCommand } = await import('./sync-command.ts')
    await validateCommand(files, options)
  })
}

function addHistoryCommands(config: Command): void {
  const history = () => import('./history-commands.ts')
  withAccess(config.command('history').description('List revisions, newest first.'))
    .option('-n, --size <number>', 'number of revisions', '20')
    .option('--json-output', 'print JSON')
    .action(async (options: CommandOptions) => (await history()).historyCommand(options))
  withAccess(config.command('show <revision>').description('Show what a revision changed.'))
    .option('--json-output', 'print JSON')
    .action(async (revision: string, options: CommandOptions) =>
      (await history()).showCommand(revision, options),
    )
  withAccess(
    config
      .command('rollback <revision>')
      .description('Create a new revision that equals an earlier one.'),
  )
    .option('-m, --message <text>', 'message of the revision')
    .option('-y, --yes', 'skip the confirmation')
    .action(async (revision: string, options: CommandOptions) =>
      (await history()).rollbackCommand(revision, options),
    )
  withAccess(
    config
      .command('drift')
      .description('Show what changed since the last sync, and who changed it.'),
  )
    .option('--select-tag <tag...>', 'compare with the last sync of these tags')
    .option('--non-zero-exit-code', 'exit with status 2 when there is drift')
    .option('--json-output', 'print JSON')
    .action(async (options: CommandOptions) => (await history()).driftCommand(options))
}

function withAccess(command: Command): Command {
  return command
    .option('-w, --workspace <name>', 'workspace (default: that of the files, else default)')
    .option('--addr <url>', 'Admin API (WEIR_ADMIN_URL, default http://127.0.0.1:8001)')
    .option('--token <token>', 'admin token (WEIR_ADMIN_TOKEN)')
    .option('--ca-cert-file <file>', 'CA certificates for the Admin API (WEIR_ADMIN_CA_CERT_FILE)')
    .option('--tls-skip-verify', 'do not verify the certificate of the Admin API')
    .option('--headers <header...>', 'additional request headers, each as Name:value')
    .option('--no-color', 'print without colors')
}

function withFiles(command: Command): Command {
  return withAccess(command.argument('[files...]', 'files, folders, or - for standard input'))
    .option('-s, --state <file...>', 'files, as decK names them')
    .option('--select-tag <tag...>', 'limit the command to entities with all of these tags')
    .option('--keep-rest', 'keep entities that the files do not contain')
    .option('--rbac-resources-only', 'the files contain roles and their permissions only')
}
