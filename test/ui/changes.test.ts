import { expect, test } from 'vitest'
import { findProgram, need } from '../harness/need.ts'
import { startWeir } from '../harness/start-weir.ts'
import { checkNames, checkNoSidewaysScroll, untilSaid } from './check-pages.ts'
import { chromiumNames } from './open-demo.ts'
import { openBrowser, openVisitor } from './open-visitor.ts'

const document = (port: number) => ({
  _format_version: '3.0',
  services: [{ name: 'orders', host: 'orders.test', port }],
})

test(
  'a change is found, drift is told, and going back asks first',
  { timeout: 180_000 },
  async (context) => {
    need(context, ...chromiumNames)
    const account = { name: 'admin', password: 'a password for tests' }
    const weir = await startWeir({
      env: { WEIR_ADMIN_PASSWORD: account.password, WEIR_WORKERS: '1' },
    })
    await weir.admin('POST', '/config/sync?message=First%20release', document(80))
    await weir.admin('PATCH', '/services/orders', { port: 8080 })
    const browser = await openBrowser(findProgram(...chromiumNames) ?? '')
    for (const width of [390, 1440]) {
      const visitor = await openVisitor(browser, weir.managerUrl, { account, width })
      const { page } = visitor
      await visitor.go('/changes')
      const said = await untilSaid(visitor, /First release/)
      expect(said).toMatch(
        /default is not as it was synced in revision \d+: 1 entity differs, changed by admin/,
      )
      await checkNames(visitor)
      await checkNoSidewaysScroll(visitor)
      await page.getByRole('button', { name: 'First release' }).click()
      await page.getByText('What going back would change').click()
      await page.getByRole('button', { name: /Go back to revision/ }).click()
      expect(await untilSaid(visitor, /makes a new revision/)).toMatch(/−?\s*8080/)
      if (width === 390) continue
      await page.getByLabel('Why').fill('The port was wrong')
      await page.getByRole('button', { name: 'Roll back' }).click()
      await untilSaid(visitor, /The port was wrong/)
      const service = (await (await weir.admin('GET', '/services/orders')).json()) as {
        port: number
      }
      expect(service.port).toBe(80)
      expect(visitor.complaints).toEqual([])
    }
    await browser.close()
  },
)
