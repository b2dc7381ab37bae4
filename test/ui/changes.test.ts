import { expect, test } from 'vitest'
import { findProgram, requireProgram } from '../harness/require-program.ts'
import { startWeir } from '../harness/start-weir.ts'
import { checkNames, checkNoHorizontalScroll, untilText } from './check-pages.ts'
import { chromiumNames } from './open-demo.ts'
import { openBrowser, openVisitor } from './open-visitor.ts'

const document = (port: number) => ({
  _format_version: '3.0',
  services: [{ name: 'orders', host: 'orders.test', port }],
})

test(
  'lists revisions, reports drift, and rolls back after confirmation',
  { timeout: 180_000 },
  async (context) => {
    requireProgram(context, ...chromiumNames)
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
      await untilText(
        visitor,
        /First release/,
        /default has drifted from revision \d+: 1 entity differs, changed by admin/,
      )
      await checkNames(visitor)
      await checkNoHorizontalScroll(visitor)
      await page.getByRole('button', { name: 'First release' }).click()
      await page.getByText('Roll back', { exact: true }).click()
      await page.getByRole('button', { name: /Roll back to revision/ }).click()
      await untilText(visitor, /creates a new revision/, /−?\s*8080/)
      if (width === 390) continue
      await page.getByLabel('Message').fill('The port was wrong')
      await page.getByRole('button', { name: 'Roll back', exact: true }).click()
      await untilText(visitor, /The port was wrong/)
      const service = (await (await weir.admin('GET', '/services/orders')).json()) as {
        port: number
      }
      expect(service.port).toBe(80)
      expect(visitor.consoleErrors).toEqual([])
    }
    await browser.close()
  },
)
