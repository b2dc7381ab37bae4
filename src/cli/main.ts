#!/usr/bin/env node
import { Command } from 'commander'
import { Problem } from '../lib/problem.ts'
import { addAuditCommand } from './audit/audit-command.ts'
import { addConfigCommand } from './config/config-command.ts'
import { addOpenApiCommand } from './openapi/openapi-command.ts'
import { addSecretsCommand } from './secrets/secrets-command.ts'
import { readVersion, SettingsError } from './settings.ts'

type Options = { data?: string }

/** The command line; `npm run reference` describes it. */
export const program = new Command('weir')
  .description('API gateway, governance and governed analytics in one program.')
  .version(readVersion())

program
  .command('start')
  .description('Start a control plane and gateway workers on this machine.')
  .option('--data <directory>', 'where everything is kept (WEIR_DATA, ./data)')
  .action(async ({ data }: Options) => {
    const { startCommand } = await import('./start.ts')
    await startCommand(data)
  })

program
  .command('demo')
  .description('Start with sample services, two workspaces and steady traffic.')
  .option('--data <directory>', 'keep the demo here instead of in a temporary directory')
  .action(async ({ data }: Options) => {
    const { demoCommand } = await import('./demo.ts')
    await demoCommand(data)
  })

addConfigCommand(program)
addOpenApiCommand(program)
addAuditCommand(program)
addSecretsCommand(program)

if (import.meta.main) await run()

async function run(): Promise<void> {
  try {
    await program.parseAsync()
  } catch (error) {
    if (!(error instanceof SettingsError) && !(error instanceof Problem)) throw error
    console.error(error.message)
    process.exit(error instanceof SettingsError ? 2 : 1)
  }
}
