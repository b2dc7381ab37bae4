import { readFile } from 'node:fs/promises'
import { describe, expect, test, vi } from 'vitest'
import { startWeir } from '../harness/start-weir.ts'
import { until } from '../harness/until.ts'
import {
  checkForm,
  checkNames,
  checkNoHorizontalScroll,
  listPages,
  shownRows,
  untilText,
  waitForTraffic,
} from './check-pages.ts'
import { testGovernancePages } from './governance-pages.ts'
import { admin, developer, openDemo } from './open-demo.ts'
import type { Visitor, VisitorOptions } from './open-visitor.ts'

const { weir, visit } = openDemo()

// Each test opens several pages in a real browser.
vi.setConfig({ testTimeout: 90_000 })

async function clickFirstRow({ page }: Visitor): Promise<void> {
  const row = page.locator('tbody tr').first()
  // It is repeated; details that are opening cover the row.
  await row.click({ timeout: 5_000 }).catch(() => undefined)
}

/** Opens a page and waits until it shows traffic. */
async function watch(path: string, options: VisitorOptions): Promise<Visitor> {
  const visitor = await visit(options)
  await visitor.go(path)
  await waitForTraffic(visitor)
  return visitor
}

test('asks for sign-in, reports a wrong password, and continues to the requested page', async () => {
  const visitor = await visit()
  const { page } = visitor
  await visitor.go('/services?workspace=ProductX')
  await page.getByLabel('Name').fill(developer.name)
  await page.getByRole('textbox', { name: 'Password' }).fill('not the password')
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByRole('alert').waitFor()
  await page.getByRole('textbox', { name: 'Password' }).fill(developer.password)
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Services' }).waitFor()
  expect(new URL(page.url()).search).toBe('?workspace=ProductX')
})

test('the reference shows the OpenAPI document and finds fields by name', async () => {
  const visitor = await visit({ account: developer })
  await visitor.go('/reference/plugins')
  await untilText(visitor, /Settings of rate-limiting/, '/consumers/{parent}/plugins')
  await visitor.page.getByLabel('Search the reference').fill('sticky_sessions_cookie')
  await untilText(visitor, /balances requests over targets/, '/upstreams/{item}')
  await checkNames(visitor)
  await checkNoHorizontalScroll(visitor)
  expect(visitor.consoleErrors).toEqual([])
})

describe('what each person sees', () => {
  test('the super-admin sees both products and their callers', async () => {
    const visitor = await watch('/', { account: admin })
    const text = await untilText(visitor, /ProductY/, /ProductX/, 'You see every request.')
    expect(text).not.toContain('Masked')
    expect(visitor.consoleErrors).toEqual([])
  })

  test('the developer of ProductX sees ProductX only, on every page', async () => {
    const visitor = await visit({ account: developer })
    const others = await serverNames('ProductY')
    for (const path of [
      '/',
      '/services',
      '/routes',
      '/plugins',
      '/changes',
      '/services?workspace=ProductX',
    ]) {
      await visitor.go(path)
      const text = await untilText(visitor, /inventory|orders/)
      for (const other of ['ProductY', ...others]) expect(text).not.toContain(other)
    }
    expect(visitor.consoleErrors).toEqual([])
  })

  test('masks consumers with the reason in the table, leaderboard and details', async () => {
    const visitor = await watch('/', { account: developer })
    await visitor.page.getByLabel(/^Visibility: .* Callers are masked\.$/).waitFor()
    const text = await untilText(visitor, 'Masked')
    for (const caller of await consumersOf('ProductX')) expect(text).not.toContain(caller)
    const rows = await shownRows(visitor)
    expect(rows.every((row) => row.includes('Masked: '))).toBe(true)
    const details = visitor.page.getByRole('dialog')
    const caller = details.getByRole('heading', { name: 'Caller' })
    await until('the details of a request', async () => {
      // New rows move the others: a click whose press and release are on two rows opens none.
      if (!(await details.isVisible())) await clickFirstRow(visitor)
      return caller.isVisible()
    })
    expect(await details.innerText()).toMatch(/Consumer, Consumer groups, Credential/)
  })

  test('hides consumers from the navigation and explains the denial on their page', async () => {
    const visitor = await visit({ account: developer })
    await visitor.page.goto('/consumers')
    await untilText(
      visitor,
      'You may not read consumers in ProductX',
      /No role of productx-dev .*\/consumers/,
    )
    expect(await visitor.page.getByRole('link', { name: 'Consumers' }).count()).toBe(0)
  })

  test('a query for the other product returns no rows and the reason', async () => {
    const visitor = await visit({ account: developer })
    await visitor.go('/?workspace=ProductY')
    await untilText(visitor, 'You do not have access to workspace ProductY')
    expect(await shownRows(visitor)).toEqual([])
  })

  test('a filter on a masked field is denied with the reason and can be removed', async () => {
    const visitor = await visit({ account: developer })
    await visitor.go('/?consumer=web-shop')
    await untilText(visitor, /masked/)
    await visitor.page.getByRole('button', { name: 'Remove filter', exact: true }).click()
    await waitForTraffic(visitor)
    expect(new URL(visitor.page.url()).search).toBe('')
  })

  test('the export contains nothing of the other product and no consumers', async () => {
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
  test('shows a new request without a reload', async () => {
    const visitor = await visit({ account: admin })
    await visitor.go('/?path=/nowhere')
    await untilText(visitor, 'No matching requests')
    for (let sent = 1; sent <= 5; sent++) {
      await fetch(`${weir().proxyUrl}/nowhere`)
      await visitor.page
        .locator('tbody tr')
        .nth(sent - 1)
        .waitFor()
    }
    expect(await visitor.page.locator('tbody tr').count()).toBe(5)
  })

  test('a click on a leaderboard filters; Back undoes it; the address can be shared', async () => {
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

  test('Alt-click excludes a value, and a second click removes the filter', async () => {
    const visitor = await watch('/', { account: admin })
    const { page } = visitor
    const row = page.getByRole('button', { name: /^Top services: search,/ })
    await row.click({ modifiers: ['Alt'] })
    await expect.poll(() => new URL(page.url()).search).toBe('?not.service=search')
    await row.click()
    await expect.poll(() => new URL(page.url()).search).toBe('')
  })

  test('dragging over a chart zooms to a fixed range; Back to live returns', async () => {
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
  test('pages fit windows of 390 and 1440 pixels and have accessible names, in light and in dark', async () => {
    const visitor = await visit({ account: admin, width: 390 })
    for (const path of ['/', ...listPages]) {
      await visitor.go(path)
      await visitor.page
        .locator('tbody tr')
        .or(visitor.page.getByText(/^No .* yet$/))
        .first()
        .waitFor()
      await checkForm(visitor)
    }
    await visitor.go('/services')
    await visitor.page.locator('tbody a').first().click()
    await visitor.page.locator('figure').first().waitFor()
    await checkForm(visitor)
    expect(visitor.consoleErrors).toEqual([])
  })

  test('a service shows its routes, plugins and traffic', async () => {
    const visitor = await visit({ account: developer })
    await visitor.go('/services')
    await visitor.page.getByRole('link', { name: 'orders', exact: true }).click()
    const routes = visitor.page.getByRole('region', { name: 'Routes' })
    await routes.getByRole('link').first().waitFor()
    await visitor.page.getByRole('region', { name: 'Totals' }).waitFor()
    await untilText(visitor, /Requests by status/)
    expect(visitor.consoleErrors).toEqual([])
  })

  test('a consumer shows its groups, and its key on request', async () => {
    const visitor = await visit({ account: admin })
    await visitor.go('/consumers?workspace=ProductX')
    await visitor.page.getByRole('link', { name: 'web-shop', exact: true }).click()
    await visitor.page.getByRole('button', { name: 'Show the key' }).click()
    await untilText(visitor, 'demo-key-web-shop', 'ACL groups')
    expect(visitor.consoleErrors).toEqual([])
  })

  test('the palette finds an object by name', async () => {
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

describe('access, changes and audit', () => {
  testGovernancePages(visit)
})

test('reports a lost connection and reconnects', async () => {
  const { page } = await watch('/', { account: admin })
  for (const pid of weir().children('weir control')) process.kill(pid, 'SIGKILL')
  await page.getByRole('button', { name: 'Reconnecting' }).waitFor()
  const live = page.getByRole('button', { name: 'Live', exact: true })
  await expect.poll(() => live.count(), { timeout: 120_000 }).toBe(1)
}, 180_000)

test('the one-time link sets up a new Weir, which shows how to start', async () => {
  const fresh = await startWeir({ env: { WEIR_ADMIN_TOKEN: '', WEIR_WORKERS: '1' } })
  const link = /http:\S+\/setup\?secret=\S+/.exec(fresh.output())?.[0] ?? ''
  const visitor = await visit({ weir: fresh })
  const { page } = visitor
  await visitor.go(link)
  await page.getByRole('textbox', { name: 'Password', exact: true }).fill('first-password')
  await page.getByRole('textbox', { name: 'Confirm password' }).fill('first-password')
  await page.getByRole('button', { name: /Create account/ }).click()
  await untilText(visitor, 'No matching requests')
  await visitor.go('/services')
  await untilText(visitor, 'No services yet')
  expect(visitor.consoleErrors).toEqual([])
}, 180_000)

async function untilEveryRow(visitor: Visitor, words: RegExp): Promise<void> {
  await until(`every row to say ${words}`, async () => {
    const rows = await shownRows(visitor)
    return rows.length > 0 && rows.every((row) => words.test(row))
  })
}

/** Names of the services and routes of a workspace, as the super-admin reads them. */
async function serverNames(workspace: string): Promise<string[]> {
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
