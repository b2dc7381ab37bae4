import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { applyDemo, demoAccounts } from '../../src/cli/demo/apply-demo.ts'
import type { Answer } from '../../src/schema/answer.ts'
import { openBrowser, type TestBrowser } from '../harness/open-browser.ts'
import { requireProgram } from '../harness/require-program.ts'
import { until } from '../harness/until.ts'
import { openPerson } from './sign-in-harness.ts'

const root = join(dirname(fileURLToPath(import.meta.url)), '../..')
const temporary = mkdtempSync(join(tmpdir(), 'weir-demo-test-'))
let demo: ChildProcess
let printed = ''

beforeAll(async () => {
  const listen = Object.fromEntries(
    ['PROXY', 'ADMIN', 'MANAGER', 'NODE'].map((name) => [`WEIR_${name}_LISTEN`, '127.0.0.1:0']),
  )
  demo = spawn(process.execPath, [join(root, 'src/cli/main.js'), 'demo'], {
    env: { ...process.env, ...listen, WEIR_WORKERS: '2', TMPDIR: temporary },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const collect = (chunk: Buffer): void => {
    printed += chunk.toString()
  }
  demo.stdout?.on('data', collect)
  demo.stderr?.on('data', collect)
  await until('the demo', () => printed.includes('Ctrl-C'), 120_000)
})
afterAll(() => {
  demo.kill('SIGKILL')
  rmSync(temporary, { recursive: true, force: true })
})

const addressOf = (name: string): string =>
  new RegExp(`^ +${name} +(http://\\S+)`, 'm').exec(printed)?.[1] ?? ''

async function ask(account: number, query: object): Promise<Answer> {
  const token = demoAccounts[account]?.token ?? ''
  const answer = await fetch(`${addressOf('Admin API')}/api/analytics/query`, {
    method: 'POST',
    headers: { 'kong-admin-token': token, 'content-type': 'application/json' },
    body: JSON.stringify(query),
  })
  return (await answer.json()) as Answer
}

const valuesOf = ({ data }: Answer, member: string): unknown[] =>
  [...new Set(data.map((row) => row[member]))].filter((value) => value !== '')

type RevisionList = {
  readonly current: number
  readonly data: readonly { readonly principal: string; readonly message: string | null }[]
}

async function admin<Body>(path: string, token: string = demoAccounts[0].token): Promise<Body> {
  const answer = await fetch(`${addressOf('Admin API')}${path}`, {
    headers: { 'kong-admin-token': token },
  })
  return (await answer.json()) as Body
}

test('prints the accounts of the super-admin and of both developers', () => {
  for (const { name, password } of demoAccounts)
    expect(printed).toMatch(new RegExp(`^ +${name} +${password}$`, 'm'))
})

test('creates a few revisions, each by a member of its product', async () => {
  const { data } = await admin<RevisionList>('/config/revisions?size=1000')
  expect(data.length).toBeLessThanOrEqual(15)
  const synced = data.filter(({ message }) => message !== null)
  expect(synced.map(({ principal, message }) => [principal, message]).toReversed()).toEqual([
    ['admin', 'ProductX: workspace and developer role'],
    ['productx-dev', 'ProductX: orders, inventory and search'],
    ['productx-ops', 'ProductX: consumers and their limits'],
    ['producty-dev', 'ProductY: payments, billing and users'],
  ])
})

test('creates no revision when it runs again', async () => {
  const targets = await admin<{ data: readonly { target: string; weight: number }[] }>(
    '/ProductX/upstreams/orders.productx.demo/targets',
  )
  const [first = 0, second = 0] = targets.data
    .toSorted((one, other) => other.weight - one.weight)
    .map(({ target }) => Number(target.split(':')[1]))
  const before = await admin<RevisionList>('/config/revisions')
  const { data: plugins } = await admin<{ data: readonly { name: string; config: Config }[] }>(
    '/ProductX/plugins',
  )
  const issuer = plugins.find(({ name }) => name === 'openid-connect')?.config.issuer ?? ''
  const proxy = addressOf('Proxy')
  await applyDemo({ adminUrl: addressOf('Admin API'), ports: [first, second], issuer, proxy })
  const after = await admin<RevisionList>('/config/revisions')
  expect(after.current).toBe(before.current)
})

type Config = { readonly issuer?: string }

/** Opens an address, and signs in at the provider where it leads there; returns where that ends. */
async function open(browser: TestBrowser, start: string, name: string, password: string) {
  let url = start
  let response = await browser.request(url)
  for (let step = 0; step < 20; step += 1) {
    const location = response.headers.get('location')
    if (location !== null) {
      url = new URL(location, url).href
      response = await browser.request(url)
    } else if (url.includes('/interaction/') && response.status === 200) {
      const body = new URLSearchParams({ name, password })
      response = await browser.request(url, { method: 'POST', body })
    } else break
  }
  return { url, status: response.status, text: await response.text() }
}

test('on the route with sign-in, a wrong password ends at the provider, a right one at the service with a token, and a person without the claim is forbidden', async () => {
  const profile = `${addressOf('Proxy')}/profile`
  const wrong = await open(openBrowser(), profile, 'anna', 'wrong')
  expect([wrong.status, wrong.text]).toEqual([
    401,
    expect.stringContaining('Wrong name or password'),
  ])
  expect(wrong.url).not.toContain(addressOf('Proxy'))
  const right = await open(openBrowser(), profile, 'anna', 'demo-anna-password')
  expect([right.url, right.status]).toEqual([profile, 200])
  expect(JSON.parse(right.text)).toMatchObject({
    hasToken: true,
    claims: { sub: 'anna', groups: ['staff'] },
  })
  const third = openBrowser()
  const forbidden = await open(third, profile, 'carla', 'demo-carla-password')
  expect([forbidden.status, forbidden.text]).toEqual([
    403,
    expect.stringContaining('Only the group staff'),
  ])
})

test('the same people sign in to the Manager, with the roles of their groups', async () => {
  const signIn = async (name: string, password: string) => {
    const person = openPerson({ managerUrl: addressOf('Manager') })
    const { url } = await open(person.browser, await person.begin(), name, password)
    const response = await person.complete(url)
    return (await response.json()) as { workspaces: { name: string; roles: string[] }[] }
  }
  const anna = await signIn('anna', 'demo-anna-password')
  expect(anna.workspaces).toMatchObject([{ name: 'ProductX', roles: ['developer'] }])
  expect((await signIn('carla', 'demo-carla-password')).workspaces).toEqual([])
})

test('the three printed commands answer with the printed status', async (context) => {
  requireProgram(context, 'curl')
  const lines = [...printed.matchAll(/# (.*): (\d{3})\n +(curl .*)/g)]
  expect(lines.map(([, , status]) => status)).toEqual(['401', '200', '429'])
  for (const [, , status = '', command = ''] of lines) {
    const { stdout } = await run(command)
    expect(stdout).toMatch(new RegExp(`^(HTTP/1.1 )?${status}\\b`, 'm'))
  }
})

function run(command: string): Promise<{ stdout: string }> {
  return new Promise((resolve, reject) => {
    execFile('sh', ['-c', command], (error, stdout) =>
      error ? reject(error) : resolve({ stdout }),
    )
  })
}

test('every kind of response occurs, and the super-admin sees both products', async () => {
  const query = {
    measures: ['requests.count'],
    dimensions: ['requests.status', 'requests.workspace'],
  }
  await until(
    'every kind of answer',
    async () => {
      const statuses = valuesOf(await ask(0, query), 'requests.status')
      return [200, 201, 401, 403, 404, 429].every((status) => statuses.includes(status))
    },
    50_000,
  )
  const workspaces = valuesOf(await ask(0, query), 'requests.workspace')
  expect(new Set(workspaces)).toEqual(new Set(['ProductX', 'ProductY']))
}, 180_000)

test('the developer of ProductX sees only ProductX, without its consumers', async () => {
  const answer = await ask(1, {
    dimensions: ['requests.workspace', 'requests.consumer'],
    ungrouped: true,
    limit: 1000,
  })
  expect(valuesOf(answer, 'requests.workspace')).toEqual(['ProductX'])
  expect(valuesOf(answer, 'requests.consumer')).toEqual([null])
  expect(answer.visibility.statement).toContain('ProductX')
})

test('the developer of ProductY sees only ProductY, with its consumers', async () => {
  const answer = await until('a request of checkout', async () => {
    const query = { dimensions: ['requests.workspace', 'requests.consumer'], ungrouped: true }
    const found = await ask(2, { ...query, limit: 1000 })
    return valuesOf(found, 'requests.consumer').includes('checkout') ? found : undefined
  })
  expect(valuesOf(answer, 'requests.workspace')).toEqual(['ProductY'])
})

test('request-termination answers a retired route', async () => {
  const answer = await fetch(`${addressOf('Proxy')}/stock/v1/7`)
  expect(answer.status).toBe(503)
  expect(await answer.text()).toContain('Stock has moved to /inventory.')
})

test('SIGINT stops everything and removes the temporary data', async () => {
  expect(readdirSync(temporary)).toHaveLength(1)
  const ended = once(demo, 'exit')
  demo.kill('SIGINT')
  expect(await ended).toEqual([0, null])
  await expect(fetch(addressOf('Manager'))).rejects.toThrow('fetch failed')
  expect(readdirSync(temporary)).toEqual([])
})
