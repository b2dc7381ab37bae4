import { openEgress } from '../lib/egress.ts'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { anySettings } from '../../test/harness/any-settings.ts'
import { buildTestSnapshot } from '../../test/harness/build-snapshot.ts'
import { startVault, type TestVault } from '../../test/harness/start-vault.ts'
import { until } from '../../test/harness/until.ts'
import { referenceable } from '../entities/referenceable-fields.ts'
import { parseReference } from '../entities/secret-reference.ts'
import { listsOf, snapshotOf, type Snapshot, type SnapshotItem } from '../schema/snapshot.ts'
import { vaultKindNamed } from '../entities/vault-kinds.ts'
import { openSecrets, type SecretsOptions } from './open-secrets.ts'

test.each([
  ['{vault://env/my-secret}', { vault: 'env', secret: 'my-secret', key: undefined }],
  ['{vault://hcv-1/a/b/password}', { vault: 'hcv-1', secret: 'a/b', key: 'password' }],
  ['{vault://env/}', undefined],
  ['{vault://env/../etc/passwd}', undefined],
  ['{vault://hcv-1/%2e%2E/auth/token/lookup-self/id}', undefined],
  ['{vault://hcv-1/a%2f..%2fb}', undefined],
  ['{vault://hcv-1/my%20db/key}', { vault: 'hcv-1', secret: 'my%20db', key: 'key' }],
  ['{vault://Env/x}', undefined],
  ['x {vault://env/x}', undefined],
])('parses %s to %j', (text, expected) => {
  expect(parseReference(text)).toEqual(expected)
})

test('replaces references to environment variables anywhere in a config', async () => {
  const { fill } = open({ variables: { MY_SECRET: 's3', DB: '{"user":"u","port":5432}' } })
  const { config, reason } = await fill({
    a: '{vault://env/my-secret}',
    b: [{ c: '{vault://env/db/user}' }, '{vault://env/db/port}', 'as it is', 7],
  })
  expect(reason).toBeUndefined()
  expect(config).toEqual({ a: 's3', b: [{ c: 'u' }, '5432', 'as it is', 7] })
})

test('reads no variable of the gateway without the prefix that the operator allows', async () => {
  const variables = { PATH: '/bin', AWS_SECRET: 'cloud', WEIR_VAULT_DB: 'mine' }
  const { fill } = open({
    variables,
    variablePrefix: 'WEIR_VAULT_',
    vaults: { own: ['env', { prefix: 'AWS_' }] },
  })
  expect((await fill({ a: '{vault://env/db}', b: '{vault://env/weir-vault-db}' })).config).toEqual({
    a: 'mine',
    b: 'mine',
  })
  for (const reference of [
    '{vault://env/path}',
    '{vault://env/aws-secret}',
    '{vault://own/secret}',
  ])
    expect(await fill({ a: reference })).toMatchObject({
      config: { a: reference },
      reason: expect.stringMatching(/WEIR_VAULT_\w+ is not set/),
    })
})

test('resolves references in referenceable fields only, not the same text in others', async () => {
  const settings = z.object({
    secret: referenceable(z.string().nullable().default(null)),
    open: z.string(),
    lists: z.array(z.object({ secret: referenceable(z.string()), open: z.string() })),
    headers: z.record(z.string(), referenceable(z.string())),
  })
  const { fill } = open({ variables: { X: 'x' }, settingsOf: () => settings })
  const text = '{vault://env/x}'
  const lists = [{ secret: text, open: text }]
  const given = { secret: text, open: text, lists, headers: { a: text }, unknown: text }
  expect((await fill(given)).config).toEqual({
    secret: 'x',
    open: text,
    lists: [{ secret: 'x', open: text }],
    headers: { a: 'x' },
    unknown: text,
  })
  expect(await fill({ open: '{vault://env/../etc}' })).toMatchObject({ reason: undefined })
})

test('withholds a plugin whose secret is missing, with a reason without secrets', async () => {
  const { fill } = open({ variables: { DB: '{"user":"u"}' } })
  const { reason } = await fill({ a: '{vault://env/absent}', b: '{vault://env/db/user}' })
  expect(reason).toBe('{vault://env/absent}: the variable ABSENT is not set')
  const other = await fill({ a: '{vault://env/db/password}' })
  expect(other.reason).toBe("{vault://env/db/password}: the secret has no 'password'")
})

test('reads files below the folder of the vault, through links within it, and nowhere else', async () => {
  const root = mkdtempSync(join(tmpdir(), 'weir-files-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const files = join(root, 'secrets')
  mkdirSync(join(files, '..data'), { recursive: true })
  writeFileSync(join(files, '..data', 'password'), 'pässword\n')
  writeFileSync(join(root, 'outside'), 'not for you')
  symlinkSync(join('..data', 'password'), join(files, 'password'))
  symlinkSync(join('..', 'outside'), join(files, 'link'))
  const { fill } = open({ files, vaults: { files: ['file', { prefix: files }] } })
  expect((await fill({ a: '{vault://files/password}' })).config).toEqual({ a: 'pässword' })
  expect((await fill({ a: '{vault://files/absent}' })).reason).toContain('ENOENT')
  expect((await fill({ a: '{vault://files/link}' })).reason).toContain('not below')
  const wide = open({ files, vaults: { files: ['file', { prefix: root }] } })
  expect((await wide.fill({ a: '{vault://files/outside}' })).reason).toContain('not below')
})

test.each([
  ['v1', 'kv/db'],
  ['v2', 'kv/data/db'],
] as const)('reads version %s of the KV engine of HashiCorp Vault', async (kv, path) => {
  const vault = await startVault('the-token')
  vault.secrets.set(path, { password: 'p4', port: 5432 })
  const settings = { ...at(vault), kv, mount: 'kv', token: '{vault://env/hcv-token}' }
  const { fill } = open({
    variables: { HCV_TOKEN: 'the-token' },
    vaults: { store: ['hcv', settings] },
  })
  const { config } = await fill({ a: '{vault://store/db/password}', b: '{vault://store/db/port}' })
  expect(config).toEqual({ a: 'p4', b: '5432' })
  expect(vault.requests).toEqual([`the-token ${path}`])
})

test('limits the size of a vault response', async () => {
  const vault = await startVault('t')
  vault.secrets.set('secret/db', { password: 'p'.repeat(2 ** 20) })
  const { fill } = open({ vaults: { store: ['hcv', { ...at(vault), token: 't' }] } })
  expect((await fill({ a: '{vault://store/db/password}' })).reason).toContain('has more than')
})

test('detects a rotated secret after its ttl, and keeps the old one while the vault is unreachable', async () => {
  const vault = await startVault('t')
  vault.secrets.set('secret/db', { password: 'old' })
  let now = 1_000_000
  let changes = 0
  const { fill } = open({
    clock: { now: () => now },
    onChange: () => (changes += 1),
    vaults: { store: ['hcv', { ...at(vault), token: 't', ttl: 1, resurrect_ttl: 60 }] },
  })
  const read = async () => (await fill({ a: '{vault://store/db/password}' })).config?.['a']
  expect(await read()).toBe('old')
  vault.secrets.set('secret/db', { password: 'new' })
  expect(await read()).toBe('old')
  now += 1_000
  await until('the change to be noticed', () => changes === 1)
  expect(await read()).toBe('new')
  vault.isSealed = true
  now += 20_000
  expect(await read()).toBe('new')
  now += 60_000
  expect(await read()).toBe('{vault://store/db/password}')
  vault.isSealed = false
  now += 20_000
  expect(await read()).toBe('new')
})

test('drops a secret that the vault no longer has', async () => {
  const vault = await startVault('t')
  vault.secrets.set('secret/db', { password: 'old' })
  let now = 1_000_000
  const { fill } = open({
    clock: { now: () => now },
    vaults: { store: ['hcv', { ...at(vault), token: 't', ttl: 1, resurrect_ttl: 60 }] },
  })
  expect((await fill({ a: '{vault://store/db/password}' })).config).toEqual({ a: 'old' })
  vault.secrets.delete('secret/db')
  now += 2_000
  expect((await fill({ a: '{vault://store/db/password}' })).reason).toContain('store/db/password')
})

test('reads a missing secret again only after neg_ttl', async () => {
  const vault = await startVault('t')
  let now = 1_000_000
  const { fill } = open({
    clock: { now: () => now },
    vaults: { store: ['hcv', { ...at(vault), token: 't', ttl: 60, neg_ttl: 30 }] },
  })
  const read = async () => (await fill({ a: '{vault://store/db/password}' })).config?.['a']
  expect(await read()).toBe('{vault://store/db/password}')
  vault.secrets.set('secret/db', { password: 'new' })
  now += 29_000
  expect(await read()).toBe('{vault://store/db/password}')
  now += 1_000
  expect(await read()).toBe('new')
})

test('omits certificates whose private key is missing', async () => {
  const secrets = openSecrets({
    readVariable: (name) => (name === 'HERE' ? 'pem' : undefined),
    variablePrefix: '',
    egress: openEgress(),
    settingsOf: () => anySettings,
    files: '/run/secrets',
    clock: { now: () => 0 },
    accepts: () => true,
    onChange: () => undefined,
  })
  onTestFinished(() => secrets.close())
  const snapshot = snapshotWith({}, {})
  const [workspace = ''] = snapshot.workspaces.keys()
  const certificates = ['here', 'absent'].map((name) => ({
    id: name,
    workspace,
    cert: 'cert',
    key: `{vault://env/${name}}`,
  })) as unknown as SnapshotItem<'certificates'>[]
  const filled = await secrets.fill(snapshotOf({ ...listsOf(snapshot), certificates }))
  expect(listsOf(filled.snapshot).certificates).toMatchObject([{ id: 'here', key: 'pem' }])
})

test('withholds a plugin whose workspace lacks the vault, and refuses a malformed reference', async () => {
  const { fill } = open({ variables: { X: 'x' }, vaults: { store: ['env', {}] } })
  expect(await fill({ a: '{vault://other/x}' })).toMatchObject({
    config: { a: '{vault://other/x}' },
    reason: "there is no vault 'other' in its workspace",
  })
  expect(await fill({ a: '{vault://store/x}' })).toMatchObject({ config: { a: 'x' } })
  await expect(fill({ a: '{vault://env/..}' })).rejects.toMatchObject({
    status: 400,
    detail: {
      code: 2,
      name: 'schema violation',
      fields: { '@entity': [expect.stringContaining('is not a valid reference')] },
    },
  })
})

const at = ({ port }: TestVault) => ({ host: '127.0.0.1', port })

type Options = Partial<Omit<SecretsOptions, 'readVariable'>> & {
  readonly variables?: Readonly<Record<string, string>>
  readonly vaults?: Readonly<Record<string, readonly [name: string, config: object]>>
}

/** Secrets for the settings of one plugin. */
function open({ variables = {}, vaults = {}, ...options }: Options) {
  const secrets = openSecrets({
    readVariable: (name) => variables[name],
    variablePrefix: '',
    egress: openEgress(),
    settingsOf: () => anySettings,
    files: '/run/secrets',
    clock: { now: () => Date.now() },
    accepts: () => true,
    onChange: () => undefined,
    ...options,
  })
  onTestFinished(() => secrets.close())
  return {
    fill: async (config: Record<string, unknown>) => {
      const { snapshot, withheld } = await secrets.fill(snapshotWith(config, vaults))
      return { config: snapshot.plugins.get('p')?.config, reason: withheld.get('p') }
    },
  }
}

function snapshotWith(config: Record<string, unknown>, vaults: Options['vaults']): Snapshot {
  const empty = buildTestSnapshot({})
  const [workspace = ''] = empty.workspaces.keys()
  const plugin = { id: 'p', name: 'any', workspace, config } as SnapshotItem<'plugins'>
  return snapshotOf({
    ...listsOf(empty),
    plugins: [plugin],
    vaults: Object.entries(vaults ?? {}).map(([prefix, [name, settings]]) => ({
      id: prefix,
      workspace,
      prefix,
      name,
      config: vaultKindNamed(name)?.settings.parse(settings) ?? {},
    })),
  })
}
