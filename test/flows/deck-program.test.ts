import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { stringify } from 'yaml'
import { catalog } from '../../src/plugins/catalog.ts'
import { makeAuthority } from '../harness/make-certificate.ts'
import { requireDeck } from '../harness/require-deck.ts'
import { adminToken, openTestAdmin } from './admin-harness.ts'
import { deckFile } from './deck-file.ts'

const pairs = [await makeAuthority('server'), await makeAuthority('clients')] as const

/** With the fields of Kong's router flavor `expressions`, given or not. */
const routesWithExpressions = [
  { name: 'first', expression: 'http.path ^= "/first" && http.method == "GET"', priority: 10 },
  { name: 'by-header', expression: 'any(http.headers.x_orders) == "1"' },
  { name: 'plain', paths: ['/plain'], priority: 0 },
]

test('serves the decK program as Kong does', { timeout: 600_000 }, async (context) => {
  const deck = await requireDeck(context)
  const { adminUrl, ask } = await openTestAdmin({ catalog })
  const folder = mkdtempSync(join(tmpdir(), 'weir-deck-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const [file, dump] = ['kong.yaml', 'dump.yaml'].map((name) => join(folder, name)) as [
    string,
    string,
  ]
  const at = ['--kong-addr', adminUrl, '--headers', `kong-admin-token:${adminToken}`]
  const inZ = [...at, '--workspace', 'ProductZ']
  const said = async (words: readonly string[], code = 0) => {
    const ran = await deck('gateway', ...words)
    expect(ran).toMatchObject({ code })
    return ran.output
  }
  writeFileSync(file, stringify(deckFile(...pairs)))
  expect(await said(['ping', ...at])).toContain('Successfully connected')
  await said(['sync', file, ...inZ])
  expect(await said(['validate', file, ...inZ])).not.toContain('Error')
  await said(['diff', file, '--non-zero-exit-code', ...inZ])
  await said(['dump', '-o', dump, '--yes', '--with-id', ...inZ])
  await said(['diff', dump, '--non-zero-exit-code', ...inZ])
  const more = { ...deckFile(...pairs), services: [{ name: 'new', host: 'h.example' }] }
  writeFileSync(file, stringify(more))
  expect(await said(['apply', file, ...inZ])).toContain('Created: 1')
  expect(await said(['diff', file, '--non-zero-exit-code', ...inZ], 2)).toContain('deleting')
  await said(['reset', '--force', ...inZ])
  expect(await said(['sync', file, '--select-tag', 'ours', ...inZ])).toContain('Created')
  await said(['diff', file, '--select-tag', 'ours', '--non-zero-exit-code', ...inZ])
  // A vault and what refers to it are created at once; deprecated names of settings make no difference.
  const redis = { policy: 'redis', redis_host: '127.0.0.1', redis_database: 1 }
  const late = {
    _format_version: '3.0',
    vaults: [{ prefix: 'late', name: 'env', config: { prefix: 'X_' } }],
    certificates: [{ id: pairOfVault, cert: '{vault://late/cert}', key: '{vault://late/key}' }],
    plugins: [{ name: 'rate-limiting', config: { minute: 5, ...redis } }],
    services: [{ name: 'expressions', host: 'h.example', routes: routesWithExpressions }],
  }
  writeFileSync(file, stringify(late))
  await said(['sync', file, ...inZ])
  await said(['diff', file, '--non-zero-exit-code', ...inZ])
  // Plugins that share a connection to Redis, with the rest of the settings in the partial.
  const shared = { name: 'shared', type: 'redis-ee', config: { host: 'redis.example' } }
  const linked = {
    _format_version: '3.0',
    partials: [shared, { name: 'other', type: 'redis-ce', config: { database: 2 } }],
    consumer_groups: [
      {
        name: 'gold',
        plugins: [
          {
            name: 'rate-limiting',
            config: { minute: 5, policy: 'redis' },
            partials: [{ name: 'shared' }],
          },
        ],
      },
    ],
  }
  writeFileSync(file, stringify(linked))
  await said(['validate', file, ...inZ])
  await said(['sync', file, ...inZ])
  await said(['diff', file, '--non-zero-exit-code', ...inZ])
  await said(['dump', '-o', dump, '--yes', ...inZ])
  await said(['diff', dump, '--non-zero-exit-code', ...inZ])
  shared.config.host = 'moved.example'
  writeFileSync(file, stringify(linked))
  expect(await said(['sync', file, ...inZ])).toContain('Updated: 1')
  await said(['diff', file, '--non-zero-exit-code', ...inZ])
  const { data: plugins } = (await ask('GET', '/ProductZ/plugins')).body
  expect(plugins).toMatchObject([{ config: { redis: { host: 'moved.example' } } }])
  await said(['reset', '--force', ...inZ])
  expect((await ask('GET', '/ProductZ/partials')).body.data).toEqual([])
  // A reset of the roles removes all but super-admin, and locks no user out.
  for (const where of [at, inZ]) await said(['reset', '--rbac-resources-only', '--force', ...where])
  const left = async (path: string) =>
    (await ask('GET', `${path}/rbac/roles`)).body.data.map(({ name }: { name: string }) => name)
  expect([await left(''), await left('/ProductZ')]).toEqual([['super-admin'], []])
  expect((await ask('GET', '/rbac/users')).status).toBe(200)
})

const pairOfVault = '5a0c4d1e-9c53-4c0e-8a55-2c9b0c2b7c13'
