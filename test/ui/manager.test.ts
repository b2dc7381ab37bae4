import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { startWeir } from '../harness/start-weir.ts'
import { until } from '../harness/until.ts'
import {
  checkNames,
  checkNoSidewaysScroll,
  listPages,
  shownRows,
  untilSaid,
  waitForTraffic,
} from './check-pages.ts'
import { admin, developer, openDemo } from './open-demo.ts'
import type { Visitor, VisitorOptions } from './open-visitor.ts'

const { weir, visit } = openDemo()

/** Opens a page of the traffic and waits until it shows some. */
async function watch(path: string, options: VisitorOptions): Promise<Visitor> {
  const visitor = await visit(options)
  await visitor.go(path)
  await waitForTraffic(visitor)
  return visitor
}

test('who is not known is asked to sign in, told when it fails, and taken to where they wanted to go', async () => {
  const visitor = await visit()
  const { page } = visitor
  await visitor.go('/services?workspace=ProductX')
  await page.getByLabel('Name').fill(developer.name)
  await page.getByRole('textbox', { name: 'Password' }).fill('not the password')
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('alert').waitFor()
  await page.getByRole('textbox', { name: 'Password' }).fill(developer.password)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Services' }).waitFor()
  expect(new URL(page.url()).search).toBe('?workspace=ProductX')
})

test('the reference shows what the API says of itself, and finds a field by its name', async () => {
  const visitor = await visit({ account: developer })
  await visitor.go('/reference/plugins')
  const said = await untilSaid(visitor, /Settings of rate-limiting/)
  expect(said).toContain('/consumers/{parent}/plugins')
  await visitor.page.getByLabel('Search the reference').fill('sticky_sessions_cookie')
  expect(await untilSaid(visitor, /A pool of targets/)).toContain('/upstreams/{item}')
  await checkNames(visitor)
  await checkNoSidewaysScroll(visitor)
  expect(visitor.complaints).toEqual([])
})

describe('what each person sees', () => {
  test('the super-admin sees both products and who called', async () => {
    const visitor = await watch('/', { account: admin })
    const said = await untilSaid(visitor, /ProductY/)
    expect(said).toContain('You see every request.')
    expect(said).toContain('ProductX')
    expect(said).not.toContain('Masked for you')
    expect(visitor.complaints).toEqual([])
  })

  test('the developer of ProductX sees ProductX only, on every page', async () => {
    const visitor = await visit({ account: developer })
    const others = await namesOf('ProductY')
    for (const path of ['/', '/services', '/routes', '/plugins', '/services?workspace=ProductX']) {
      await visitor.go(path)
      const said = await untilSaid(visitor, /inventory|orders/)
      for (const other of ['ProductY', ...others]) expect(said).not.toContain(other)
    }
    expect(visitor.complaints).toEqual([])
  })

  test('callers are masked with the reason, in the table, the leaderboard and the details', async () => {
    const visitor = await watch('/', { account: developer })
    const said = await visitor.words()
    expect(said).toContain('Masked for you')
    for (const caller of await consumersOf('ProductX')) expect(said).not.toContain(caller)
    const rows = await shownRows(visitor)
    expect(rows.every((row) => row.includes('Masked: '))).toBe(true)
    await visitor.page.locator('tbody tr').first().click()
    const details = visitor.page.getByRole('dialog')
    await details.getByRole('heading', { name: 'Who asked' }).waitFor()
    expect(await details.innerText()).toMatch(/Consumer, Groups, Credential/)
  })

  test('consumers are not in the navigation, and their page explains itself', async () => {
    const visitor = await visit({ account: developer })
    await visitor.page.goto('/consumers')
    const said = await untilSaid(visitor, 'You may not read consumers of ProductX')
    expect(said).toMatch(/No role of productx-dev .*\/consumers/)
    expect(await visitor.page.getByRole('link', { name: 'Consumers' }).count()).toBe(0)
  })

  test('asking for the other product gives no rows and says why', async () => {
    const visitor = await visit({ account: developer })
    await visitor.go('/?workspace=ProductY')
    await untilSaid(visitor, 'You may not read workspace ProductY')
    expect(await shownRows(visitor)).toEqual([])
  })

  test('a shared link that filters by caller is refused with the reason, and the filter can be removed', async () => {
    const visitor = await visit({ account: developer })
    await visitor.go('/?consumer=web-shop')
    await untilSaid(visitor, /masked/)
    await visitor.page.getByRole('button', { name: 'Remove the filter' }).click()
    await waitForTraffic(visitor)
    expect(new URL(visitor.page.url()).search).toBe('')
  })

  test('the export holds what the page shows: nothing of the other product, no callers', async () => {
    const visitor = await watch('/', { account: developer })
    const download = visitor.page.waitForEvent('download')
    await visitor.page.getByRole('button', { name: 'Export CSV' }).click()
    const csv = await readFile(await (await download).path(), 'utf8')
    expect(csv.split('\n').length).toBeGreaterThan(5)
    expect(csv).toContain('ProductX')
    for (const name of ['ProductY', ...(await consumersOf('ProductX'))])
      expect(csv).not.toContain(name)
  })
})

describe('the overview', () => {
  test('a new request appears without a reload', async () => {
    const visitor = await visit({ account: admin })
    await visitor.go('/?path=/nowhere')
    await untilSaid(visitor, 'No requests to show here')
    for (let sent = 1; sent <= 5; sent++) {
      await fetch(`${weir().proxyUrl}/nowhere`)
      await visitor.page
        .locator('tbody tr')
        .nth(sent - 1)
        .waitFor()
    }
    expect(await visitor.page.locator('tbody tr').count()).toBe(5)
  })

  test('a click on a leaderboard filters, Back undoes it, and the address can be shared', async () => {
    const visitor = await watch('/', { account: admin })
    const { page } = visitor
    await page.getByRole('button', { name: /^Top services: orders,/ }).click()
    await page.getByRole('list', { name: 'Filters' }).waitFor()
    await untilEveryRow(visitor, / orders /)
    const friend = await watch(page.url(), { account: admin })
    await untilEveryRow(friend, / orders /)
    await page.goBack()
    await expect.poll(() => page.getByRole('list', { name: 'Filters' }).count()).toBe(0)
  })

  test('Alt and a click excludes, and a second click takes that away', async () => {
    const visitor = await watch('/', { account: admin })
    const { page } = visitor
    const row = page.getByRole('button', { name: /^Top services: search,/ })
    await row.click({ modifiers: ['Alt'] })
    expect(new URL(page.url()).search).toBe('?not.service=search')
    await row.click()
    expect(new URL(page.url()).search).toBe('')
  })

  test('dragging over a chart zooms and stops the time; Back to live starts it again', async () => {
    const visitor = await watch('/?range=5m', { account: admin })
    const { page } = visitor
    const box = (await page.locator('figure').first().boundingBox()) as { x: number; y: number }
    await page.mouse.move(box.x + 200, box.y + 60)
    await page.mouse.down()
    await page.mouse.move(box.x + 400, box.y + 70, { steps: 4 })
    await page.mouse.up()
    const back = page.getByRole('button', { name: 'Back to live' })
    await back.waitFor()
    const [from = '', to = ''] = (new URL(page.url()).searchParams.get('range') ?? '').split('~')
    expect(Date.parse(to) - Date.parse(from)).toBeGreaterThan(10_000)
    await back.click()
    await page.getByRole('button', { name: 'Live', exact: true }).waitFor()
  })
})

describe('the pages', () => {
  test.each([
    ['light', 1440],
    ['dark', 1440],
    ['light', 390],
    ['dark', 390],
  ] as const)(
    'in %s at %d pixels wide nothing overflows, everything has a name, the browser has no complaint',
    async (scheme, width) => {
      const visitor = await visit({ account: admin, scheme, width })
      for (const path of ['/', ...listPages]) {
        await visitor.go(path)
        await visitor.page
          .locator('tbody tr')
          .or(visitor.page.getByText(/^No .* yet$/))
          .first()
          .waitFor()
        await checkNoSidewaysScroll(visitor)
        await checkNames(visitor)
      }
      await visitor.go('/services')
      await visitor.page.locator('tbody a').first().click()
      await visitor.page.locator('figure').first().waitFor()
      await checkNoSidewaysScroll(visitor)
      await checkNames(visitor)
      expect(visitor.complaints).toEqual([])
    },
  )

  test('a service shows its routes, its plugins and its own traffic', async () => {
    const visitor = await visit({ account: developer })
    await visitor.go('/services')
    await visitor.page.getByRole('link', { name: 'orders', exact: true }).click()
    const routes = visitor.page.getByRole('region', { name: 'Routes' })
    await routes.getByRole('link').first().waitFor()
    await visitor.page.getByRole('region', { name: 'Totals' }).waitFor()
    await untilSaid(visitor, /Requests by status/)
    expect(visitor.complaints).toEqual([])
  })

  test('a consumer shows its groups, and its key only when asked', async () => {
    const visitor = await visit({ account: admin })
    await visitor.go('/consumers?workspace=ProductX')
    await visitor.page.getByRole('link', { name: 'web-shop', exact: true }).click()
    await visitor.page.getByRole('button', { name: 'Show the key' }).click()
    expect(await untilSaid(visitor, 'demo-key-web-shop')).toContain('ACL groups')
  })

  test('the palette leads to an object by its name', async () => {
    const visitor = await watch('/', { account: admin })
    const { page } = visitor
    await page.keyboard.press('Control+K')
    await page.getByRole('combobox').fill('services payments')
    await page.getByRole('option', { name: /payments/ }).waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: /payments/ }).waitFor()
    expect(new URL(page.url()).pathname).toMatch(/^\/services\/ProductY\//)
  })
})

test('it says when the connection is lost, and goes on by itself', async () => {
  const { page } = await watch('/', { account: admin })
  for (const pid of weir().children('weir control')) process.kill(pid, 'SIGKILL')
  await page.getByRole('button', { name: 'Reconnecting' }).waitFor()
  const live = page.getByRole('button', { name: 'Live', exact: true })
  await expect.poll(() => live.count(), { timeout: 120_000 }).toBe(1)
}, 180_000)

test('a fresh Weir is set up by its one-time link and teaches what to do first', async () => {
  const fresh = await startWeir({ env: { WEIR_ADMIN_TOKEN: '', WEIR_WORKERS: '1' } })
  const link = /http:\S+\/setup\?secret=\S+/.exec(fresh.output())?.[0] ?? ''
  const visitor = await visit({ weir: fresh })
  const { page } = visitor
  await visitor.go(link)
  await page.getByRole('textbox', { name: 'Password', exact: true }).fill('first-password')
  await page.getByRole('textbox', { name: 'Password again' }).fill('first-password')
  await page.getByRole('button', { name: /Create the account/ }).click()
  await untilSaid(visitor, 'No requests to show here')
  await visitor.go('/services')
  await untilSaid(visitor, 'No services yet')
  expect(visitor.complaints).toEqual([])
}, 180_000)

async function untilEveryRow(visitor: Visitor, words: RegExp): Promise<void> {
  await until(`every row to say ${words}`, async () => {
    const rows = await shownRows(visitor)
    return rows.length > 0 && rows.every((row) => words.test(row))
  })
}

/** Names of the services and routes of a workspace, as the super-admin reads them. */
async function namesOf(workspace: string): Promise<string[]> {
  const lists = await Promise.all(
    ['services', 'routes'].map((plural) => read(`/${workspace}/${plural}`)),
  )
  return lists.flat().map(({ name }) => String(name))
}

const consumersOf = async (workspace: string): Promise<string[]> =>
  (await read(`/${workspace}/consumers`)).map(({ username }) => String(username))

async function read(path: string): Promise<readonly Record<string, unknown>[]> {
  const answer = await weir().admin('GET', path, undefined, admin.token)
  return ((await answer.json()) as { data: Record<string, unknown>[] }).data
}
