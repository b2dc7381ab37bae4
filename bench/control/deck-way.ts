import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { openDeckClient, type DeckState } from '../../test/harness/deck-client.ts'
import { adminToken, type TestWeir } from '../../test/harness/start-weir.ts'
import { buildServicesDocument } from './build-services.ts'

const main = resolve(import.meta.dirname, '../../src/cli/main.js')
const deck = process.env['WEIR_DECK']

/** A way to make the configuration equal to a state. */
export type SyncWay = {
  readonly name: string
  sync(weir: TestWeir, state: DeckState): Promise<void>
}

/** One request per entity, ten at a time: by decK where WEIR_DECK names its program, else by a client with the same requests. */
const entityByEntity: SyncWay =
  deck === undefined
    ? {
        name: 'requests of decK, own client',
        async sync({ adminUrl }, state) {
          await openDeckClient({ url: adminUrl, token: adminToken }).sync(state)
        },
      }
    : {
        name: 'deck gateway sync',
        sync: ({ adminUrl }, state) =>
          withFile(state, (file) =>
            run(deck, ['gateway', 'sync', file, '--analytics=false'], {
              DECK_KONG_ADDR: adminUrl,
              DECK_HEADERS: `kong-admin-token:${adminToken}`,
            }),
          ),
      }

const asDocument: SyncWay = {
  name: 'weir config sync',
  sync: ({ adminUrl }, state) =>
    withFile(state, (file) =>
      run(process.execPath, [main, 'config', 'sync', file, '--addr', adminUrl, '--json-output'], {
        WEIR_ADMIN_TOKEN: adminToken,
      }),
    ),
}

export const syncWays = [entityByEntity, asDocument]

async function withFile(state: DeckState, work: (file: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'weir-bench-'))
  const file = join(folder, 'kong.json')
  writeFileSync(file, JSON.stringify(buildServicesDocument(state)))
  try {
    await work(file)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function run(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (chunk) => (errors = (errors + String(chunk)).slice(-4_000)))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${program} ended with ${code}: ${errors}`)
}
