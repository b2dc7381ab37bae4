import { expect, test } from 'vitest'
import { checkNames, checkNoSidewaysScroll, untilSaid } from './check-pages.ts'
import { admin, developer, openDemo } from './open-demo.ts'

const { visit } = openDemo()

test.each([
  ['light', 1440],
  ['dark', 390],
] as const)('access and audit fit into the window, %s and %i wide', async (scheme, width) => {
  const visitor = await visit({ account: admin, scheme, width })
  for (const path of ['/access?workspace=ProductX', '/access', '/audit']) {
    await visitor.go(path)
    await visitor.page.locator('tbody tr').first().waitFor()
    await checkNoSidewaysScroll(visitor)
    await checkNames(visitor)
  }
  for (const tab of ['Explain', 'People and tokens', 'Roles']) {
    await visitor.go('/access?workspace=ProductX')
    await visitor.page.getByRole('tab', { name: tab }).click()
    await visitor.page.getByRole('tabpanel').waitFor()
    await checkNoSidewaysScroll(visitor)
    await checkNames(visitor)
  }
  expect(visitor.complaints).toEqual([])
})

test('a principal is made, given a role and a token; the matrix, an explanation and the log tell of it', async () => {
  const visitor = await visit({ account: admin })
  const { page } = visitor
  await visitor.go('/access?workspace=ProductX')
  await page.getByRole('tab', { name: 'People and tokens' }).click()
  await page.getByRole('button', { name: 'New principal' }).click()
  await page.getByLabel('Name').fill('robot')
  await page.getByRole('button', { name: 'Make the principal' }).click()
  await page.getByRole('button', { name: 'robot' }).click()
  await page.getByPlaceholder('Role to give').click()
  await page.getByRole('option', { name: 'workspace-read-only' }).click()
  await page.getByRole('button', { name: 'Give' }).click()
  await page.getByRole('button', { name: 'Take the role workspace-read-only' }).waitFor()
  await page.getByRole('button', { name: 'Make a token' }).click()
  await untilSaid(visitor, 'This token is shown once')

  await visitor.go('/access?workspace=ProductX')
  await page.getByRole('button', { name: /^robot at services: create none; read all/ }).click()
  await untilSaid(visitor, 'Role workspace-read-only of workspace ProductX allows read at *')
  await page.getByRole('tab', { name: 'Explain' }).click()
  await page.getByRole('combobox', { name: 'Who' }).click()
  await page.getByRole('option', { name: 'robot' }).click()
  await page.getByRole('combobox', { name: 'Method' }).click()
  await page.getByRole('option', { name: 'POST' }).click()
  await page.getByRole('button', { name: 'Explain' }).click()
  await untilSaid(visitor, 'No role of robot allows create at /services')

  await visitor.go('/audit?path=/rbac/users/robot/roles')
  await page.getByRole('button', { name: 'Create at /rbac/users/robot/roles' }).click()
  await untilSaid(visitor, 'Role super-admin of workspace default allows')
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: /^Signed to record/ }).click()
  await page.getByRole('button', { name: 'Verify the whole log' }).click()
  await untilSaid(visitor, /All \d+ records are as they were written/)
  expect(visitor.complaints).toEqual([])
})

test('who may not ask who may what is not led there', async () => {
  const visitor = await visit({ account: developer })
  await visitor.go('/services')
  await visitor.page.locator('tbody tr').first().waitFor()
  const links = await visitor.page.locator('nav a').allInnerTexts()
  expect(links).not.toContain('Access')
  expect(links).not.toContain('Audit')
  await visitor.go('/audit')
  await untilSaid(visitor, 'You may not read the audit log')
})
