import { expect, test } from 'vitest'
import { checkForm, untilText } from './check-pages.ts'
import { admin, developer, type Demo } from './open-demo.ts'

/** Tests the pages of access, changes and audit on a running demo. */
export function testGovernancePages(visit: Demo['visit']): void {
  test('access, changes and audit fit windows of 390 and 1440 pixels and have accessible names, in light and in dark', async () => {
    const visitor = await visit({ account: admin, width: 390 })
    for (const path of ['/access?workspace=ProductX', '/access', '/changes', '/audit']) {
      await visitor.go(path)
      await visitor.page.locator('tbody tr').first().waitFor()
      await checkForm(visitor)
    }
    await visitor.go('/access?workspace=ProductX')
    for (const tab of ['Explain', 'People and tokens', 'Roles', 'Hosts and paths']) {
      await visitor.page.getByRole('tab', { name: tab }).click()
      await visitor.page.getByRole('tabpanel').waitFor()
      await checkForm(visitor)
    }
    expect(visitor.consoleErrors).toEqual([])
  })

  test('creates a principal with a role and a token, and shows them in the matrix, explanation and audit log', async () => {
    const visitor = await visit({ account: admin })
    const { page } = visitor
    await visitor.go('/access?workspace=ProductX')
    await page.getByRole('tab', { name: 'People and tokens' }).click()
    await page.getByRole('button', { name: 'New principal' }).click()
    await page.getByLabel('Name').fill('robot')
    await page.getByRole('button', { name: 'Create principal' }).click()
    await page.getByRole('button', { name: 'robot' }).click()
    await page.getByPlaceholder('Select a role').click()
    await page.getByRole('option', { name: 'workspace-read-only' }).click()
    await page.getByRole('button', { name: 'Assign' }).click()
    await page.getByRole('button', { name: 'Remove role workspace-read-only' }).waitFor()
    await page.getByRole('button', { name: 'Create token' }).click()
    await untilText(visitor, 'It will not be shown again')

    await visitor.go('/access?workspace=ProductX')
    await page.getByRole('button', { name: /^robot, services: create none; read all/ }).click()
    await untilText(visitor, 'Role workspace-read-only of workspace ProductX allows read at *')
    await page.getByRole('tab', { name: 'Explain' }).click()
    await page.getByRole('combobox', { name: 'Principal' }).click()
    await page.getByRole('option', { name: 'robot' }).click()
    await page.getByRole('combobox', { name: 'Method' }).click()
    await page.getByRole('option', { name: 'POST' }).click()
    await page.getByRole('button', { name: 'Explain' }).click()
    await untilText(visitor, 'No role of robot allows create at /services')

    await visitor.go('/audit?path=/rbac/users/robot/roles')
    await page.getByRole('button', { name: 'Create /rbac/users/robot/roles' }).click()
    await untilText(visitor, 'Role super-admin of workspace default allows')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: /^Signed up to record/ }).click()
    await page.getByRole('button', { name: 'Verify log' }).click()
    await untilText(visitor, /records and .* checkpoints verified/)
    expect(visitor.consoleErrors).toEqual([])
  })

  test('grants a workspace a host and a path of its own, and says that another one owns them', async () => {
    const visitor = await visit({ account: admin })
    const { page } = visitor
    await visitor.go('/access')
    await page.getByRole('tab', { name: 'Hosts and paths' }).click()
    const grant = async (workspace: string): Promise<void> => {
      await page.getByRole('button', { name: `Edit the settings of ${workspace}` }).click()
      const panel = page.getByRole('region', { name: workspace })
      await panel.getByLabel('Owned hosts').first().fill('*.granted.example.com')
      await panel.getByLabel('Owned paths').first().fill('/granted')
      await panel.getByRole('button', { name: 'Save' }).click()
    }
    await grant('ProductX')
    const panel = page.getByRole('region', { name: 'ProductX' })
    await panel.getByRole('button', { name: 'Edit the settings of ProductX' }).waitFor()
    // Until the workspace is read again, the panel shows what it owned before.
    await expect.poll(() => panel.innerText()).toMatch(/\*\.granted\.example\.com\s.*\/granted/s)
    await grant('ProductY')
    expect(await page.getByRole('alert').innerText()).toContain('granted')
    await page.getByRole('button', { name: 'Cancel' }).click()
    await visitor.go('/audit?path=/workspaces/ProductX')
    await untilText(visitor, 'Update /workspaces/ProductX')
    expect(visitor.consoleErrors).toEqual([expect.stringContaining('409')])
  })

  test('access in all workspaces shows every principal with its roles by workspace', async () => {
    const visitor = await visit({ account: admin })
    const { page } = visitor
    await visitor.go('/access')
    const row = page.getByRole('row', { name: /^productx-dev/ })
    await row.waitFor()
    const headings = await page.getByRole('columnheader').allInnerTexts()
    expect(headings.map((heading) => heading.split(/\s/).at(-1))).toEqual([
      'Principal',
      'ProductX',
      'ProductY',
      'default',
    ])
    const cells = await row.getByRole('cell').allInnerTexts()
    expect(cells[0]).toContain('developer')
    expect(cells.slice(1)).toEqual(['No access', 'No access'])
    const all = await page.getByRole('rowheader').allInnerTexts()
    for (const name of ['admin', 'productx-dev', 'productx-ops', 'producty-dev'])
      expect(all.join('\n')).toContain(name)
    await page.getByRole('tab', { name: 'People and tokens' }).click()
    await untilText(visitor, /ProductY: workspace-admin/)
    await page.getByRole('tab', { name: 'Roles' }).click()
    await page
      .getByRole('region', { name: 'Roles in ProductX' })
      .getByRole('heading', { name: /^developer/ })
      .waitFor()
    await page.getByRole('tab', { name: 'Explain' }).click()
    await page.getByRole('combobox', { name: 'Workspace' }).waitFor()
    expect(visitor.consoleErrors).toEqual([])
  })

  test('access of one workspace shows only principals with access to it', async () => {
    const visitor = await visit({ account: admin })
    await visitor.go('/access?workspace=ProductY')
    await visitor.page.getByRole('rowheader', { name: /^producty-dev/ }).waitFor()
    expect(await visitor.text()).not.toContain('productx-dev')
  })

  test('the developer of ProductX sees the changes of ProductX with their authors, and no access page', async () => {
    const visitor = await visit({ account: developer })
    await visitor.go('/changes')
    const text = await untilText(visitor, /ProductX: orders, inventory and search/, 'productx-dev')
    expect(text).not.toContain('ProductY')
    await visitor.go('/access')
    await untilText(visitor, 'You may not read access settings')
  })

  test('hides access and audit from those who may not read them', async () => {
    const visitor = await visit({ account: developer })
    await visitor.go('/services')
    await visitor.page.locator('tbody tr').first().waitFor()
    const links = await visitor.page.locator('nav a').allInnerTexts()
    expect(links).not.toContain('Access')
    expect(links).not.toContain('Audit')
    await visitor.go('/audit')
    await untilText(visitor, 'You may not read the audit log')
  })
}
