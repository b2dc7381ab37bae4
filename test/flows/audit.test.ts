import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isDeepStrictEqual, promisify } from 'node:util'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { readOrCreateAuditKey } from '../../src/audit/audit-key.ts'
import { openSqliteStore } from '../../src/store/open-sqlite-store.ts'
import { addPrincipal, openTestAdmin, type TestAdmin } from './admin-harness.ts'
import { makeParents } from './admin-samples.ts'

const password = 'a-long-enough-password'
const run = promisify(execFile)

/** A control plane with a data directory that other processes can read. */
async function openAudited(clock?: { now(): number }): Promise<TestAdmin & { data: string }> {
  const data = await mkdtemp(join(tmpdir(), 'weir-audit-'))
  onTestFinished(() => rm(data, { recursive: true, force: true }))
  const admin = await openTestAdmin({
    store: await openSqliteStore(join(data, 'weir.db')),
    auditKey: readOrCreateAuditKey(join(data, 'audit.key')),
    adminPassword: password,
    ...(clock === undefined ? {} : { clock }),
  })
  return { ...admin, data }
}

async function makeHistory(admin: TestAdmin): Promise<void> {
  await makeParents(admin, 'ProductX')
  await admin.ask('PATCH', '/ProductX/services/parent', { retries: 7 })
  await admin.ask('POST', '/ProductX/services', { host: 'h', port: -1 })
  await admin.ask('POST', '/ProductX/services', { host: 'h' }, { token: '' })
  await signIn(admin, 'admin', 'not-the-password')
  await signIn(admin, 'hunter2hunter2', 'x')
  await signIn(admin, 'admin', password)
}

const signIn = (admin: TestAdmin, name: string, secret: string) =>
  admin.ask('POST', '/api/session', { name, password: secret }, { token: '', manager: true })

async function weirAudit(data: string, ...words: string[]) {
  const main = join(import.meta.dirname, '../../src/cli/main.js')
  try {
    const { stdout } = await run(process.execPath, [main, 'audit', ...words, '--data', data])
    return { code: 0, stdout }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { code, stdout: `${stdout}${stderr}` }
  }
}

test('records sign-ins, failed sign-ins and sign-outs, with a name only when it exists', async () => {
  const admin = await openAudited()
  await makeHistory(admin)
  const [right, unknown, wrong] = await admin.configuration.audit.read({}, 3)
  expect(right).toMatchObject({
    principal: { name: 'admin' },
    path: '/api/session',
    allowed: true,
    status: 200,
    address: '127.0.0.1',
  })
  expect(wrong).toMatchObject({ allowed: false, because: 'The password for admin is wrong.' })
  expect(unknown).toMatchObject({ because: 'No principal has this name.' })
  expect(JSON.stringify(await admin.configuration.audit.read({}, 100))).not.toContain('hunter2')
})

test('verifies the log of a running control plane against an exported checkpoint', async () => {
  const admin = await openAudited()
  await makeHistory(admin)
  const checkpoint = await weirAudit(admin.data, 'checkpoint')
  const file = join(admin.data, 'kept-elsewhere.json')
  await writeFile(file, checkpoint.stdout)
  await admin.ask('POST', '/ProductX/consumers', { username: 'later' })
  const good = await weirAudit(admin.data, 'verify', '--checkpoint', file)
  expect(good).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      /^The audit log is intact: records 1 to \d+, 2 signed checkpoints\./,
    ),
  })
  for (const [words, says] of [
    [['--database', 'nonsense'], /WEIR_DATABASE_URL: expected postgres:/],
    [['--checkpoint', 'nowhere.json'], /nowhere\.json does not exist/],
    [['--key', 'nowhere.pem'], /nowhere\.pem does not exist/],
  ] as const) {
    const mistaken = await weirAudit(admin.data, 'verify', ...words)
    expect(mistaken.stdout).toMatch(says)
    expect(mistaken.stdout).not.toContain(' at ')
    expect(mistaken.code).toBeGreaterThan(0)
  }
  const key = await weirAudit(admin.data, 'key')
  const { body: chain } = await admin.ask('GET', '/audit/chain')
  expect(chain.public_key.trim()).toBe(key.stdout.trim())
  const { body: verdict } = await admin.ask('GET', '/audit/verify')
  expect(verdict).toMatchObject({ intact: true, last: chain.head.sequence, faults: [] })
})

type Mutation = { readonly sql: string; readonly at: (sequence: number) => readonly number[] }

const one = (sequence: number): readonly number[] => [sequence]

/** SQL statements that tamper with record `?`. */
const mutations: readonly Mutation[] = [
  ...[
    `principal_name = 'mallory'`,
    `principal_id = 'x'`,
    `address = '10.0.0.1'`,
    `workspace = 'elsewhere'`,
    `workspace_id = 'x'`,
    `path = '/harmless'`,
    `method = 'GET'`,
    `action = 'read'`,
    `allowed = 1 - allowed`,
    `because = 'It was fine.'`,
    `before = '[{"entity":"service"}]'`,
    `after = 'not even JSON'`,
    `status = 299`,
    `revision = 12345`,
    `time = time + 1`,
    `request_id = 'x'`,
    `id = 'x'`,
    `hash = '${'0'.repeat(64)}'`,
    `previous = '${'f'.repeat(64)}'`,
    `sequence = 100000`,
  ].map((change) => ({ sql: `update audit set ${change} where sequence = ?`, at: one })),
  { sql: 'delete from audit where sequence = ?', at: one },
]

test('reports every record that was changed, removed or moved in the store', async () => {
  const admin = await openAudited()
  await makeHistory(admin)
  const { last } = await admin.configuration.audit.verify()
  const file = new DatabaseSync(join(admin.data, 'weir.db'))
  onTestFinished(() => file.close())
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: last }),
      fc.constantFrom(...mutations),
      async (sequence, { sql, at }) => {
        const kept = file.prepare('select * from audit').all()
        file.prepare(sql).run(sequence)
        const { intact, faults } = await admin.configuration.audit.verify()
        restore(file, kept)
        expect(intact).toBe(false)
        for (const wanted of at(sequence)) {
          const isNamed = faults.some(
            (fault) => fault.sequence <= wanted && wanted <= fault.through,
          )
          expect([sql, wanted, isNamed]).toEqual([sql, wanted, true])
        }
      },
    ),
    { numRuns: 120 },
  )
  expect(await admin.configuration.audit.verify()).toMatchObject({ intact: true })
  file.prepare('delete from audit where sequence = 3').run()
  const bad = await weirAudit(admin.data, 'verify')
  expect(bad.code).toBe(1)
  expect(bad.stdout).toContain('Record 3 is missing.')
}, 180_000)

test('a change of any column of any record fails the verification', async () => {
  const admin = await openAudited()
  await makeParents(admin, 'ProductX')
  await admin.ask('POST', '/ProductX/services', { host: 'h', port: -1 })
  const file = new DatabaseSync(join(admin.data, 'weir.db'))
  onTestFinished(() => file.close())
  const columns = file.prepare('pragma table_info(audit)').all() as { name: string }[]
  const { last } = await admin.configuration.audit.verify()
  const forged = ['x', '', null, 0, 1, 2, 1.5, -1, '[ ]', '{}', 12_345]
  const undetected: unknown[] = []
  for (const sequence of [1, last]) {
    const { rowid } = file.prepare('select rowid from audit where sequence = ?').get(sequence) ?? {}
    const read = file.prepare('select * from audit where rowid = ?')
    const row = read.get(Number(rowid)) as Record<string, string>
    for (const { name } of columns) {
      const write = file.prepare(`update audit set "${name}" = ? where rowid = ?`)
      for (const value of forged) {
        // The column may refuse the value, or hold an equal one.
        try {
          write.run(value, Number(rowid))
        } catch {
          continue
        }
        const isSame = isDeepStrictEqual(read.get(Number(rowid)), row)
        const { intact } = await admin.configuration.audit.verify()
        if (intact && !isSame) undetected.push([sequence, name, value])
        write.run(row[name] ?? null, Number(rowid))
      }
    }
  }
  expect(columns.length).toBe(21)
  expect(undetected).toEqual([])
  expect(await admin.configuration.audit.verify()).toMatchObject({ intact: true })
})

test('a changed column, an exchange or a removal of a revision fails the verification', async () => {
  const admin = await openAudited()
  await makeHistory(admin)
  const file = new DatabaseSync(join(admin.data, 'weir.db'), {
    enableForeignKeyConstraints: false,
  })
  onTestFinished(() => file.close())
  const revisions = file.prepare('select * from revisions order by number').all()
  const attacks = [
    ...['principal', 'summary', 'message'].map((name) => `update revisions set ${name} = 'x'`),
    'update revisions set message = null',
    'update revisions set message = summary',
    'update revisions set time = time + 1',
    'delete from revisions',
  ].map((text) => `${text} where number = ?`)
  const { number: newest } = revisions.at(-1) as { number: number }
  const { number: oldest } = revisions[0] as { number: number }
  file.prepare('update revisions set message = ? where number = ?').run('given', newest)
  expect((await weirAudit(admin.data, 'verify')).stdout).toContain(`Revision ${newest}, which`)
  restore(file, revisions, 'revisions')
  for (const attack of attacks) {
    for (let number = oldest + 1; number < newest; number += 7) {
      const { changes } = file.prepare(attack).run(number)
      const isSame = isDeepStrictEqual(
        file.prepare('select * from revisions order by number').all(),
        revisions,
      )
      const { intact, faults } = await admin.configuration.audit.verify()
      restore(file, revisions, 'revisions')
      expect([attack, number, changes, intact]).toEqual([attack, number, 1, isSame])
      expect(isSame || faults.every(({ says }) => says.includes(`Revision ${number},`))).toBe(true)
    }
  }
  expect(await admin.configuration.audit.verify()).toMatchObject({ intact: true })
})

test('a log that was restored to an older state or emptied contradicts an exported checkpoint and the revisions', async () => {
  const admin = await openAudited()
  await makeParents(admin, 'ProductX')
  const older = join(admin.data, 'older.json')
  const newer = join(admin.data, 'newer.json')
  await writeFile(older, (await weirAudit(admin.data, 'checkpoint')).stdout)
  const file = new DatabaseSync(join(admin.data, 'weir.db'), {
    enableForeignKeyConstraints: false,
  })
  onTestFinished(() => file.close())
  const before = file.prepare('select * from audit').all()
  const head = file.prepare('select * from audit_head').get() as Record<string, string>
  const lastBefore = Number(head['sequence'])
  await admin.ask('POST', '/ProductX/consumers', { username: 'later' })
  await writeFile(newer, (await weirAudit(admin.data, 'checkpoint')).stdout)
  expect(await weirAudit(admin.data, 'verify', '--checkpoint', newer)).toMatchObject({ code: 0 })
  restore(file, before)
  const names = Object.keys(head)
  const setHead = names.map((name) => `"${name}" = ?`).join(', ')
  file.prepare(`update audit_head set ${setHead}`).run(...Object.values(head))
  const verifyWith = (checkpoint: string) =>
    weirAudit(admin.data, 'verify', '--checkpoint', checkpoint)
  const beyond = `A checkpoint signed record ${lastBefore + 1}, but the log ends at record ${lastBefore}`
  expect(await verifyWith(newer)).toMatchObject({
    code: 1,
    stdout: expect.stringContaining(beyond),
  })
  // Without a newer checkpoint, the revisions of the same store reveal it, unless they were restored too.
  const behind = /is at revision \d+, but the log ends at record \d+ without it/
  expect(await verifyWith(older)).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(behind),
  })
  const newest = 'number = (select max(number) from revisions)'
  file.exec(`delete from revisions where ${newest}`)
  expect(await verifyWith(older)).toMatchObject({ code: 0 })
  for (const emptied of ['delete from audit_head', 'delete from audit_checkpoints']) {
    file.exec('delete from audit')
    file.exec(emptied)
    const { code, stdout } = await verifyWith(older)
    expect({ code, stdout }).toMatchObject({ code: 1 })
    expect(stdout).toContain('A checkpoint signed record')
    expect((await weirAudit(admin.data, 'verify')).stdout).toContain('but the log is empty')
  }
})

function restore(
  file: DatabaseSync,
  rows: readonly Record<string, unknown>[],
  table = 'audit',
): void {
  file.exec(`delete from ${table}`)
  for (const row of rows) {
    const names = Object.keys(row)
    const values = Object.values(row) as string[]
    const marks = names.map(() => '?').join(', ')
    const columns = names.map((name) => `"${name}"`).join(', ')
    file.prepare(`insert into ${table} (${columns}) values (${marks})`).run(...values)
  }
}

test('prunes old records with a signed checkpoint, and the log still verifies', async () => {
  let now = Date.UTC(2026, 0, 1)
  const admin = await openAudited({ now: () => now })
  await makeHistory(admin)
  const { last } = await admin.configuration.audit.verify()
  now += 10 * 86_400_000
  await admin.ask('POST', '/ProductX/consumers', { username: 'later' })
  expect(await admin.configuration.audit.prune(now - 86_400_000)).toBe(last)
  const report = await admin.configuration.audit.verify()
  expect(report).toMatchObject({ intact: true, first: last + 1, last: last + 2, records: 2 })
  const [pruning] = await admin.configuration.audit.read({}, 1)
  expect(pruning?.because).toBe(
    `Weir itself did this: ${last} records up to record ${last} were older than the retention time.`,
  )
  expect(await admin.configuration.audit.prune(now - 86_400_000)).toBe(0)
  now += 10 * 86_400_000
  await admin.configuration.audit.prune(now)
  expect(await admin.configuration.audit.verify()).toMatchObject({ intact: true, records: 1 })
})

test('filters and pages the log, and returns a record with before and after', async () => {
  const admin = await openAudited()
  await makeHistory(admin)
  const all = (await admin.ask('GET', '/audit?size=1000')).body.data as { sequence: number }[]
  const pages: number[] = []
  let path = '/audit?size=4'
  while (path !== '') {
    const { body } = await admin.ask('GET', path)
    pages.push(...body.data.map(({ sequence }: { sequence: number }) => sequence))
    path = (body.next as string | null) ?? ''
  }
  expect(pages).toEqual(all.map(({ sequence }) => sequence))
  const count = async (query: string) =>
    ((await admin.ask('GET', `/audit?size=1000&${query}`)).body.data as unknown[]).length
  expect(await count('allowed=false')).toBe(3)
  expect(await count('principal=admin&action=update&path=/services/parent&method=patch')).toBe(1)
  expect(await count('status=400')).toBe(1)
  expect(await count('before=2020-01-01T00:00:00Z')).toBe(0)
  expect(await count('after=2020-01-01T00:00:00Z')).toBe(all.length)
  expect(await count('workspace=ProductX')).toBeGreaterThan(3)
  expect((await admin.ask('GET', '/audit?allowed=perhaps')).body.message).toBe(
    'schema violation (allowed: expected one of: true, false)',
  )
  const { body: found } = await admin.ask('GET', '/audit?path=/services/parent&action=update')
  const [line] = found.data
  expect(line).toMatchObject({
    touched: 1,
    touches: [{ entity: 'service', name: 'parent', did: 'updated' }],
    workspace: 'ProductX',
  })
  const { body: record } = await admin.ask('GET', `/audit/records/${line.sequence}`)
  expect(record).toMatchObject({ before: [{ retries: 5 }], after: [{ retries: 7 }] })
  expect(record.requestId).toMatch(/^[\da-f-]{36}$/)
  expect((await admin.ask('GET', '/audit/records/100000')).status).toBe(404)
  const { body: requests } = await admin.ask('GET', '/audit/requests?size=1')
  expect(requests.data[0]).toMatchObject({ rbac_user_name: 'admin', status: 200 })
  const { body: objects } = await admin.ask('GET', '/ProductX/audit/objects')
  expect(objects.data[0]).toMatchObject({ dao_name: 'service', operation: 'update' })
})

test('a member of ProductX sees only the log of ProductX', async () => {
  const admin = await openAudited()
  await makeHistory(admin)
  await makeParents(admin, 'ProductY')
  const token = await addPrincipal(admin, {
    name: 'dev',
    workspace: 'ProductX',
    endpoints: [{ endpoint: '*', actions: '*' }],
  })
  await admin.ask('POST', '/ProductX/consumers', { username: 'own' }, { token })
  for (const path of ['/audit', '/ProductX/audit', '/audit/requests', '/audit/objects']) {
    const { status, text } = await admin.ask('GET', path, undefined, { token })
    expect([path, status]).toEqual([path, 200])
    expect(text).not.toMatch(/ProductY|"default"|hunter2/)
  }
  const { body } = await admin.ask('GET', '/audit', undefined, { token })
  const workspaces = body.data.map(({ workspace }: { workspace: string }) => workspace)
  expect(new Set(workspaces)).toEqual(new Set(['ProductX']))
  const others = (await admin.configuration.audit.read({}, 1000)).filter(
    ({ workspace }) => workspace !== 'ProductX',
  )
  for (const path of [
    '/ProductY/audit',
    '/Nowhere/audit',
    '/audit?workspace=ProductY',
    '/audit/chain',
    '/audit/verify',
    '/ProductX/audit/chain',
    '/ProductX/audit/verify',
    ...others
      .slice(0, 5)
      .flatMap(({ sequence }) => [
        `/audit/records/${sequence}`,
        `/ProductY/audit/records/${sequence}`,
      ]),
    '/audit/records/99999',
  ]) {
    expect([path, (await admin.ask('GET', path, undefined, { token })).status]).toEqual([path, 403])
  }
})
