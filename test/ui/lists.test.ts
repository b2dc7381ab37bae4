import { expect, test } from 'vitest'
import { findProgram, requireProgram } from '../harness/require-program.ts'
import { startWeir } from '../harness/start-weir.ts'
import { untilText } from './check-pages.ts'
import { chromiumNames } from './open-demo.ts'
import { openBrowser, openVisitor } from './open-visitor.ts'

const account = { name: 'admin', password: 'a password for tests' }
const routes = 3_000

test(
  'a list of thousands loads one page, renders what is visible, and searches all',
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
    await page.getByLabel('Search routes').fill(`route-${routes - 1}`)
    await untilText(visitor, `1 of ${routes.toLocaleString('en-US')} routes`)
    expect(requests.length).toBeLessThanOrEqual(2 + Math.ceil(routes / 1000))
    await page.getByLabel('Search routes').fill('')
    await untilText(visitor, `${routes.toLocaleString('en-US')} routes`)
    expect(await page.locator('tbody tr').count()).toBeLessThan(200)
    await page.mouse.wheel(0, 38 * routes)
    const last = page.locator(`tbody tr[aria-rowindex="${routes + 1}"]`)
    await last.waitFor()
    expect(visitor.consoleErrors).toEqual([])
    await browser.close()
  },
)
