import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findProgram } from './harness/require-program.ts'
import { matchesOutput, readSteps, runSteps } from './harness/run-page.ts'
import { jwtTokens, startProvider } from './harness/start-provider.ts'
import { startWeir } from './harness/start-weir.ts'
import { until } from './harness/until.ts'

const root = resolve(import.meta.dirname, '..')
const folder = join(root, 'docs/guide')
const setup = readFileSync(join(folder, 'README.md'), 'utf8')
/** In the order in which the guide lists them: one Weir serves all. */
const pages = [...setup.matchAll(/\]\(([a-z0-9-]+\.md)\)/g)].map(([, name = '']) => name)
const missing = ['bash', 'curl', 'openssl'].filter((name) => findProgram(name) === undefined)

test('the guide lists every page', () => {
  const found = readdirSync(folder).filter((name) => name !== 'README.md')
  expect(found.toSorted()).toEqual(pages.toSorted())
})

describe.skipIf(missing.length > 0)('the commands of the guide', () => {
  const temporary = mkdtempSync(join(tmpdir(), 'weir-guide-'))
  const endings: (() => unknown)[] = [() => rmSync(temporary, { recursive: true, force: true })]
  let places: Readonly<Record<string, string>> = {}

  beforeAll(async () => {
    const service = createServer((request, response) => {
      response.setHeader('content-type', 'text/plain')
      response.end(`${request.method} ${request.url}\n`)
    })
    await new Promise<void>((resolve) => void service.listen(0, '127.0.0.1', resolve))
    endings.push(
      () => service.close(),
      () => service.closeAllConnections(),
    )
    const provider = await startProvider()
    endings.push(provider.stop)
    await provider.open(
      [
        {
          client_id: 'robot',
          client_secret: 'a-secret-of-the-robot',
          grant_types: ['client_credentials'],
          response_types: [],
          redirect_uris: [],
        },
      ],
      jwtTokens('https://api.example.com'),
    )
    const data = join(temporary, 'data')
    const vault = join(temporary, 'secrets')
    const weir = await startWeir({
      data,
      env: {
        WEIR_ADMIN_TOKEN: 'choose-a-long-secret-here',
        WEIR_ADMIN_PASSWORD: 'choose-a-password',
        WEIR_VAULT_FILES: vault,
      },
      onFinished: (stop) => void endings.push(stop),
    })
    // The last page begins an upgrade.
    const isUpgraded = (): boolean => weir.children('weir supervisor').length === 1
    endings.push(() => until('the upgrade to end', isUpgraded, 120_000))
    places = {
      '/path/to/weir': root,
      '127.0.0.1:8000': new URL(weir.proxyUrl).host,
      '127.0.0.1:8443': new URL(weir.secureUrl).host,
      ':8443': `:${new URL(weir.secureUrl).port}`,
      '127.0.0.1:8001': new URL(weir.adminUrl).host,
      '127.0.0.1:8002': new URL(weir.managerUrl).host,
      '127.0.0.1:3000': `127.0.0.1:${(service.address() as AddressInfo).port}`,
      '"port": 3000': `"port": ${(service.address() as AddressInfo).port}`,
      'port: 3000': `port: ${(service.address() as AddressInfo).port}`,
      'https://sso.example.com/realms/shop': provider.url,
      '/var/lib/weir': data,
      '/run/secrets': vault,
    }
  }, 300_000)

  afterAll(async () => {
    for (const end of endings.toReversed()) await end()
  }, 300_000)

  test.each(pages)(
    '%s',
    async (name) => {
      const steps = readSteps(readFileSync(join(folder, name), 'utf8'))
      const commands = steps.filter(({ kind }) => kind === 'commands')
      expect(commands.length, 'a page has commands').toBeGreaterThan(0)
      const place = mkdtempSync(join(temporary, 'page-'))
      const fault = await runSteps([...readSteps(setup), ...steps], place, places)
      if (fault === undefined) return
      const { line, why, output } = fault
      expect.fail(`docs/guide/${name}:${line} ${why}. It printed:\n${output}`)
    },
    300_000,
  )
})

test('steps are files and commands with their output', () => {
  const page = [
    '```yaml kong.yaml',
    'services: []',
    '```',
    '```sh',
    'weir config diff',
    '```',
    '',
    '```text',
    'No difference',
    '```',
    '```sh no-run: needs systemd',
    'systemctl reload weir',
    '```',
    '```ini',
    '[Service]',
    '```',
    '',
  ].join('\n')
  expect(readSteps(page)).toEqual([
    { kind: 'file', name: 'kong.yaml', text: 'services: []\n' },
    {
      kind: 'commands',
      line: 5,
      text: 'weir config diff\n',
      expected: 'No difference\n',
      isEventual: false,
    },
  ])
  expect(() => readSteps('```sh no-run\nx\n```\n')).toThrow('reason')
})

test.each([
  ['revision 7\n', 'revision …\n', true],
  ['revision 7\n', 'revision 8\n', false],
  ['a\nb\nc\n', 'a\n…\nc\n', true],
  ['a\nc\n', 'a\n…\nc\n', true],
  ['a\nb\n', 'a\n', false],
  ['a.c\n', 'a.c\n', true],
  ['abc\n', 'a.c\n', false],
])('%j matches %j: %s', (output, expected, matches) => {
  expect(matchesOutput(output, expected)).toBe(matches)
})

test('commands run in order in one shell, and the first that fails ends the page', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-page-'))
  const page = [
    '```json a.json',
    '{"at": "127.0.0.1:8001"}',
    '```',
    '```sh',
    'greeting=hello; cat a.json',
    '```',
    '```text',
    '{"at": "127.0.0.1:8001"}',
    '```',
    '```sh',
    'echo "$greeting"; false; echo never',
    '```',
    '```sh',
    'echo never',
    '```',
    '',
  ].join('\n')
  const fault = await runSteps(readSteps(page), folder, { '127.0.0.1:8001': '127.0.0.1:45678' })
  rmSync(folder, { recursive: true })
  expect(fault).toEqual({ line: 11, why: 'ended with 1', output: 'hello\n' })
})

test('an eventual step is repeated until it prints what the page shows', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-page-'))
  const page = '```sh eventually\necho again >> log; wc -l < log\n```\n\n```text\n3\n```\n'
  expect(await runSteps(readSteps(page), folder, {})).toBeUndefined()
  rmSync(folder, { recursive: true })
})
