import { expect, test } from 'vitest'
import { findProgram, requireProgram } from '../harness/require-program.ts'
import { startWeir } from '../harness/start-weir.ts'
import { until } from '../harness/until.ts'
import { shownRows, untilText } from './check-pages.ts'
import { chromiumNames } from './open-demo.ts'
import { openBrowser, openVisitor } from './open-visitor.ts'

const account = { name: 'admin', password: 'a password for tests' }
const routes = 3_000

test(
  'a list of thousands loads one page, renders what is visible, and has the Admin API search and sort',
  { timeout: 120_000 },
  async (context) => {
    requireProgram(context, ...chromiumNames)
    const weir = await startWeir({
      env: { WEIR_ADMIN_PASSWORD: account.password, WEIR_WORKERS: '1' },
    })
    const synced = await weir.admin('POST', '/config/sync', {
      _format_version: '3.0',
      services: [
        {
          name: 'orders',
          host: 'orders.test',
          routes: Array.from({ length: routes }, (_, index) => ({
            name: `route-${index}`,
            paths: [`/orders/${index}`],
          })),
        },
      ],
    })
    expect(synced.status).toBe(200)
    const browser = await openBrowser(findProgram(...chromiumNames) ?? '')
    const visitor = await openVisitor(browser, weir.managerUrl, { account })
    const { page } = visitor
    const requests: string[] = []
    page.on('request', (request) => {
      if (/\/admin\/default\/(routes|services)/.test(request.url())) requests.push(request.url())
    })
    await visitor.go('/routes')
    await untilText(visitor, '100 routes loaded, more available')
    await page.locator('tbody').getByRole('link', { name: 'orders', exact: true }).first().waitFor()
    expect(requests.length).toBeLessThanOrEqual(2)

    await page.getByLabel('Search routes').focus()
    await page.evaluate(typeAtOnce(`ROUTE-${routes - 1}`))
    await untilText(visitor, '1 matching route')
    expect(await shownRows(visitor)).toEqual([expect.stringContaining(`route-${routes - 1}`)])
    expect(searches(requests)).toEqual([`ROUTE-${routes - 1}`])

    await page.getByLabel('Search routes').fill('nothing like this')
    await untilText(visitor, 'No routes match “nothing like this”.')
    await page.getByLabel('Search routes').fill('')
    await untilText(visitor, '100 routes loaded, more available')
    expect(searches(requests)).toHaveLength(2)

    requests.length = 0
    const heading = page.getByRole('columnheader', { name: 'Name' })
    await heading.getByRole('button').click()
    await until('the first name on top', async () =>
      (await shownRows(visitor))[0]?.includes('route-0 '),
    )
    await heading.getByRole('button').click()
    await until('the last name on top', async () =>
      (await shownRows(visitor))[0]?.includes('route-999 '),
    )
    expect(await heading.getAttribute('aria-sort')).toBe('descending')
    expect(requests.filter((url) => url.includes('/routes?'))).toHaveLength(2)
    await heading.getByRole('button').click()
    await expect.poll(() => heading.getAttribute('aria-sort')).toBe('none')

    expect(await page.locator('tbody tr').count()).toBeLessThan(200)
    const last = page.locator(`tbody tr[aria-rowindex="${routes + 1}"]`)
    await until('the last row', async () => {
      await page.mouse.wheel(0, 38 * routes)
      return (await last.count()) > 0
    })
    await untilText(visitor, `${routes.toLocaleString('en-US')} routes`)
    expect(await page.locator('tbody tr').count()).toBeLessThan(200)

    requests.length = 0
    await page.keyboard.press('Control+K')
    await page.getByRole('combobox').fill('routes orders/2998')
    await page.getByRole('option', { name: /route-2998/ }).waitFor()
    expect(searches(requests)).toContain('orders/2998')
    expect(requests.length).toBeLessThanOrEqual(2)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: /route-2998/ }).waitFor()
    expect(visitor.consoleErrors).toEqual([])
    await browser.close()
  },
)

/** A script that types into the focused input, letter by letter, without letting a timer fire, however busy the machine is. */
const typeAtOnce = (text: string): string => `(async (input, text) => {
  const { set } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')
  for (let end = 1; end <= text.length; end += 1) {
    set.call(input, text.slice(0, end))
    input.dispatchEvent(new Event('input', { bubbles: true }))
    for (let turn = 0; turn < 10; turn += 1) await undefined
  }
})(document.activeElement, ${JSON.stringify(text)})`

const searches = (urls: readonly string[]): string[] =>
  urls.flatMap((url) => new URL(url).searchParams.get('search') ?? [])
