import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { openCommandLine } from '../harness/open-command-line.ts'
import { adminToken, openTestAdmin } from './admin-harness.ts'

const kong = (limit: number) => `_format_version: "3.0"
services:
  - name: orders
    url: http://orders.test
    routes:
      - name: orders
        paths: [/orders]
    plugins:
      - name: limiter
        config:
          minute: ${limit}
consumers:
  - username: alice
    custom_id: \${{ env "DECK_ALICE" }}
    keyauth_credentials:
      - key: \${{ env "DECK_KEY" }}
`

async function openConfigCommandLine() {
  const admin = await openTestAdmin()
  const { folder, run: runWeir } = openCommandLine({
    WEIR_ADMIN_URL: admin.adminUrl,
    WEIR_ADMIN_TOKEN: adminToken,
    DECK_KEY: 'secret-of-alice',
    DECK_ALICE: 'number-seven',
  })
  const run = (...words: string[]) => runWeir('config', ...words)
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
  return { admin, folder, run, write }
}

test('diff, sync and dump round-trip with decK’s exit codes', async () => {
  const { run, write, folder } = await openConfigCommandLine()
  write('kong.yaml', kong(5))
  const planned = await run('diff', 'kong.yaml', '--non-zero-exit-code')
  expect(planned.code).toBe(2)
  expect(planned.out).toContain('creating service orders')
  expect(planned.out).toContain('Created: 5')
  expect(planned.out).not.toMatch(/secret-of-alice|number-seven/)
  const synced = await run('sync', 'kong.yaml', '-m', 'first')
  expect(synced).toMatchObject({ code: 0, err: '' })
  expect(synced.out).toMatch(/created service orders[^]*Revision \d+ of default/)
  expect((await run('diff', '-s', 'kong.yaml', '--non-zero-exit-code')).code).toBe(0)
  await run('dump', '-o', 'dumped.yaml')
  expect(readFileSync(join(folder, 'dumped.yaml'), 'utf8')).toContain('secret-of-alice')
  expect((await run('diff', 'dumped.yaml', '--non-zero-exit-code')).code).toBe(0)
})

test('reviews a change, finds it in the history, and rolls it back', async () => {
  const { run, write, admin } = await openConfigCommandLine()
  write('kong.yaml', kong(5))
  await run('sync', 'kong.yaml', '-m', 'first')
  const { revision } = admin.configuration.current()
  write('kong.yaml', kong(50))
  const { out } = await run('diff', 'kong.yaml')
  expect(out).toMatch(/updating plugin \S+ \(service orders\)\n {2}~ config\.minute: 5 → 50/)
  await run('sync', 'kong.yaml', '-m', 'more for all')
  expect((await run('history')).out).toMatch(/admin +\+0 ~1 -0 +more for all/)
  expect((await run('show', String(revision + 1))).out).toContain('config.minute: 5 → 50')
  await run('rollback', String(revision), '--yes')
  write('kong.yaml', kong(5))
  expect((await run('diff', 'kong.yaml', '--non-zero-exit-code')).code).toBe(0)
  const drift = await run('drift', '--non-zero-exit-code')
  expect(drift.code).toBe(2)
  expect(drift.out).toMatch(/updated plugin[^]*by admin in revision/)
})

test('prints an error and exits with status 1', async () => {
  const { run, write } = await openConfigCommandLine()
  write('bad.yaml', '_format_version: "3.0"\nservices:\n  - name: a\n  - host: "b c"\n')
  const bad = await run('validate', 'bad.yaml')
  expect(bad).toMatchObject({ code: 1, out: '' })
  expect(bad.err).toMatch(
    /services\[0\]: schema violation \(host: required field missing\)\nservices\[1\]/,
  )
  write('broken.yaml', 'services: [')
  expect((await run('validate', 'broken.yaml')).err).toMatch(/^broken\.yaml: /)
  write('unset.yaml', '_format_version: ${{ env "DECK_NOT_THERE" }}')
  expect((await run('diff', 'unset.yaml')).err).toMatch(
    /unset\.yaml:1: the environment variable DECK_NOT_THERE is not set/,
  )
  expect((await run('diff', 'nowhere.yaml')).err).toMatch(/no such file/)
  expect((await run('dump', '--addr', 'http://127.0.0.1:1')).err).toMatch(/Admin API unreachable/)
  expect((await run('dump', '--token', 'somebody-else')).err).toMatch(
    /Invalid RBAC credentials \(401\)\n.*WEIR_ADMIN_TOKEN/,
  )
  expect((await run('dump', '-w', 'Nowhere')).err).toMatch(/Not found: GET \/Nowhere\/config\b/)
  expect((await run('rollback', '99999')).err).toMatch(/Revision 99999 not found/)
})

test('prints the reason of a denial, and reports a server that is not an Admin API', async () => {
  const { admin, run, write } = await openConfigCommandLine()
  const token = 'token-of-a-reader-0000'
  await admin.ask('POST', '/rbac/users', { name: 'reader', user_token: token })
  write('kong.yaml', kong(5))
  const refused = await run('sync', 'kong.yaml', '--token', token)
  expect(refused).toMatchObject({ code: 1, out: '' })
  expect(refused.err).toMatch(/do not have permissions[^]*\(403\)\nNo role of reader allows/)
  const other = createServer((_, response) => response.writeHead(404).end('{"message":"no"}'))
  await new Promise<void>((listening) => other.listen(0, '127.0.0.1', listening))
  onTestFinished(() => void other.close())
  const { port } = other.address() as AddressInfo
  const mistaken = await run('history', '--addr', `http://127.0.0.1:${port}`)
  expect(mistaken).toMatchObject({ code: 1, out: '' })
  expect(mistaken.err).toMatch(/is not an Admin API \(404\).*WEIR_ADMIN_URL/)
})
