import type { Command } from 'commander'
import type { CommandOptions } from './command-options.ts'

/** Adds `weir config` with all that it can do. */
export function addConfigCommand(program: Command): void {
  const config = program
    .command('config')
    .description('The configuration as files in decK’s format, and its history.')
  addDocumentCommands(config)
  addHistoryCommands(config)
}

function addDocumentCommands(config: Command): void {
  withAccess(config.command('dump').description('Write the configuration as a document.'))
    .option('-o, --output-file <file>', 'where to write; standard output when absent')
    .option('--format <format>', 'yaml or json', 'yaml')
    .option('--select-tag <tag...>', 'only entities with all of these tags')
    .option('--all-workspaces', 'one file for each workspace, in the present folder')
    .option('--rbac-resources-only', 'only roles with their permissions')
    .option('--with-id', 'write ids of entities that have names')
    .action(async (options: CommandOptions) => {
      const { dumpCommand } = await import('./dump-command.ts')
      await dumpCommand(options)
    })
  withFiles(config.command('diff').description('Show what a sync would do; changes nothing.'))
    .option('--non-zero-exit-code', 'exit with 2 when something is different')
    .option('--json-output', 'print the plan as JSON')
    .option(
      '--against-traffic <window>',
      'also show what would have become of the requests of the last 24h, 7d, 30m …',
    )
    .action(async (files: string[], options: CommandOptions) => {
      const { diffCommand } = await import('./diff-command.ts')
      await diffCommand(files, options)
    })
  withFiles(
    config.command('sync').description('Make the configuration as the files say, as one change.'),
  )
    .option('-m, --message <text>', 'what the change is for; the history keeps it')
    .option('--json-output', 'print what was done as JSON')
    .action(async (files: string[], options: CommandOptions) => {
      const { syncCommand } = await import('./sync-command.ts')
      await syncCommand(files, options)
    })
  withFiles(config.command('validate').description('Hold files against the control plane.')).action(
    async (files: string[], options: CommandOptions) => {
      const { validateCommand } = await import('./sync-command.ts')
      await validateCommand(files, options)
    },
  )
}

function addHistoryCommands(config: Command): void {
  const history = () => import('./history-commands.ts')
  withAccess(config.command('history').description('List revisions, newest first.'))
    .option('-n, --size <number>', 'how many', '20')
    .option('--json-output', 'print JSON')
    .action(async (options: CommandOptions) => (await history()).historyCommand(options))
  withAccess(config.command('show <revision>').description('Show what a revision did.'))
    .option('--json-output', 'print JSON')
    .action(async (revision: string, options: CommandOptions) =>
      (await history()).showCommand(revision, options),
    )
  withAccess(
    config
      .command('rollback <revision>')
      .description('Make a new revision that is as an earlier one was.'),
  )
    .option('-m, --message <text>', 'why; the history keeps it')
    .option('-y, --yes', 'do not ask')
    .action(async (revision: string, options: CommandOptions) =>
      (await history()).rollbackCommand(revision, options),
    )
  withAccess(
    config
      .command('drift')
      .description('Show what is not as it was synced last, and who changed it.'),
  )
    .option('--select-tag <tag...>', 'the sync with these tags instead of the last one')
    .option('--non-zero-exit-code', 'exit with 2 when something has drifted')
    .option('--json-output', 'print JSON')
    .action(async (options: CommandOptions) => (await history()).driftCommand(options))
}

function withAccess(command: Command): Command {
  return command
    .option('-w, --workspace <name>', 'the workspace')
    .option('--addr <url>', 'the Admin API (WEIR_ADMIN_URL, http://127.0.0.1:8001)')
    .option('--token <token>', 'who asks (WEIR_ADMIN_TOKEN)')
    .option('--headers <header...>', 'more headers, each as Name:value')
    .option('--no-color', 'print without colors')
}

function withFiles(command: Command): Command {
  return withAccess(command.argument('[files...]', 'files, folders, or - for standard input'))
    .option('-s, --state <file...>', 'the same as files')
    .option('--select-tag <tag...>', 'tags that the files speak for')
    .option('--keep-rest', 'leave alone what the files do not speak of')
    .option('--rbac-resources-only', 'the files hold roles with their permissions')
}
