import { join, resolve } from 'node:path'
import type Provider from 'oidc-provider'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { openProvider } from '../../src/identity/open-provider.ts'
import { totpCode } from '../../src/identity/totp.ts'
import { openEgress } from '../../src/lib/egress.ts'
import { silentLog } from '../../src/lib/log.ts'
import { openHttpClient } from '../../src/proxy/open-http-client.ts'
import { startTestAdmin } from '../flows/admin-harness.ts'
import { findProgram, requireProgram } from '../harness/require-program.ts'
import { startProvider, type TestProvider } from '../harness/start-provider.ts'
import { checkForm, untilText } from './check-pages.ts'
import { chromiumNames } from './open-demo.ts'
import { openBrowser, openVisitor, type TestBrowser, type Visitor } from './open-visitor.ts'

let provider: TestProvider
let admin: Awaited<ReturnType<typeof startTestAdmin>>
let browser: TestBrowser
const password = 'a-long-enough-password'
const clock = { now: () => Date.now() }
const groups = ['x-readers']
let accessToken: string

vi.setConfig({ testTimeout: 60_000 })

beforeAll(async () => {
  const program = findProgram(...chromiumNames)
  if (program === undefined) return
  provider = await startProvider()
  const settings = {
    issuer: provider.url,
    clientId: 'weir',
    clientSecret: undefined,
    scopes: ['openid', 'profile'],
    preset: 'generic',
    groupsClaims: [],
    nameClaim: undefined,
    audience: 'weir',
    label: 'Example SSO',
    redirectUri: () => `${admin.managerUrl}/sign-in/callback`,
    createsUsers: true,
  } as const
  admin = await startTestAdmin({
    adminPassword: password,
    uiDirectory: join(resolve(import.meta.dirname, '../..'), 'dist/ui'),
    provider: openProvider(settings, { http: openHttpClient(openEgress()), clock, log: silentLog }),
  })
  const op = await provider.open(
    [
      {
        client_id: 'weir',
        token_endpoint_auth_method: 'none',
        redirect_uris: [settings.redirectUri()],
        post_logout_redirect_uris: [`${admin.managerUrl}/sign-in`],
      },
    ],
    {
      features: { devInteractions: { enabled: true } },
      claims: { openid: ['sub', 'sid'], profile: ['groups'] },
      extraTokenClaims: () => ({ groups }),
      findAccount: async (_, id) => ({
        accountId: id,
        claims: async () => ({ sub: id, groups }),
      }),
    },
  )
  await admin.ask('POST', '/workspaces', { name: 'ProductX' })
  await admin.ask('POST', '/rbac/groups', { name: 'x-readers' })
  await admin.ask('POST', '/ProductX/rbac/groups/x-readers/roles', { role: 'workspace-read-only' })
  accessToken = await issueToken(op)
  browser = await openBrowser(program)
}, 90_000)
afterAll(async () => {
  await browser?.close()
  await admin?.close()
  await provider?.stop()
})
beforeEach((context) => void requireProgram(context, ...chromiumNames))

/** An access token of anna. */
async function issueToken(op: Provider): Promise<string> {
  const client = await op.Client.find('weir')
  const grant = new op.Grant({ accountId: 'anna', clientId: 'weir' })
  const token = new op.AccessToken({
    accountId: 'anna',
    client: client as never,
    grantId: await grant.save(),
    gty: 'password',
    scope: 'openid',
  } as never)
  token.resourceServer = new op.ResourceServer('weir', {
    scope: 'openid',
    audience: 'weir',
    accessTokenFormat: 'jwt',
    jwt: { sign: { alg: 'RS256' } },
  })
  return token.save()
}

const visit = (): Promise<Visitor> => openVisitor(browser, admin.managerUrl)

/** Fills the pages of the provider in. */
async function passProvider({ page }: Visitor, name: string): Promise<void> {
  await page.waitForURL(/\/interaction\//)
  await page.locator('input[name=login]').fill(name)
  await page.locator('input[name=password]').fill('right')
  await page.locator('button[type=submit]').click()
  await page.locator('form button[type=submit]').filter({ hasText: 'Continue' }).click()
}

test('the sign-in page offers the provider beside a password, and returns to the page that was wanted', async () => {
  const visitor = await visit()
  const { page } = visitor
  await visitor.go('/services?workspace=ProductX')
  await page.getByRole('button', { name: 'Sign in with Example SSO' }).waitFor()
  await page.getByRole('button', { name: 'Sign in', exact: true }).waitFor()
  await checkForm(visitor)
  await page.getByRole('button', { name: 'Sign in with Example SSO' }).click()
  await passProvider(visitor, 'anna')
  await page.getByRole('heading', { name: 'Services' }).waitFor()
  expect(new URL(page.url()).pathname + new URL(page.url()).search).toBe(
    '/services?workspace=ProductX',
  )
  // Neither the code nor the state stays in the history.
  await page.goBack()
  expect(page.url()).not.toContain('code=')
  expect(visitor.consoleErrors.filter((text) => text.includes('Content Security'))).toEqual([])
})

test('a person whom the provider refuses, or who has no account here, learns why', async () => {
  const visitor = await visit()
  await visitor.go('/sign-in/callback?error=access_denied&state=unknown')
  const text = await untilText(visitor, 'You are not signed in', 'Back to sign-in')
  expect(text).toContain('was not begun in this browser')
  await checkForm(visitor)
})

test('the page Access explains a pasted token, and does not keep it', async () => {
  const account = { name: 'admin', password }
  const visitor = await openVisitor(browser, admin.managerUrl, { account })
  const { page } = visitor
  await visitor.go('/access?workspace=default')
  await page.getByRole('tab', { name: 'Token', exact: true }).click()
  const field = page.getByLabel('Access token of the identity provider')
  await field.fill('eyJhbGciOiJub25lIn0.e30.')
  await page.getByRole('button', { name: 'Explain', exact: true }).click()
  await untilText(visitor, 'Refused', 'is not valid')
  await field.fill(accessToken)
  await page.getByRole('button', { name: 'Explain', exact: true }).click()
  const text = await untilText(
    visitor,
    /x-readers\s+workspace-read-only in ProductX/,
    'allows read at',
  )
  expect(text).toContain('You see requests of workspace ProductX')
  expect(await field.inputValue()).toBe('')
  await checkForm(visitor)
})

test('an authenticator app is set up on the account page, and asked for at the next sign-in', async () => {
  const visitor = await visit()
  const { page } = visitor
  const signIn = async () => {
    await page.getByLabel('Name').fill('admin')
    await page.getByRole('textbox', { name: 'Password' }).fill(password)
    await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  }
  await visitor.go('/account')
  await signIn()
  await page.getByRole('heading', { name: 'Your account' }).waitFor()
  await untilText(visitor, 'This session', 'Authenticator app')
  await page.getByRole('textbox', { name: 'Your password' }).fill(password)
  await page.getByRole('button', { name: 'Set up' }).click()
  await page.getByAltText('QR code of the secret').waitFor()
  await checkForm(visitor)
  const secret = (await page.locator('code').first().innerText()).replaceAll(' ', '')
  const code = (step: number) => totpCode(secret, Math.floor(Date.now() / 30_000) + step)
  await page.getByLabel('Code from the app').fill(code(-1))
  await page.getByRole('button', { name: 'Confirm' }).click()
  await untilText(visitor, 'Keep these recovery codes', '10 recovery codes are left')
  await checkForm(visitor)
  await page.setViewportSize({ width: 1440, height: 900 })
  await page.getByRole('button', { name: /Account of admin/ }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await page.waitForURL(/\/sign-in/)
  await signIn()
  await page.getByLabel('Code from your authenticator app').fill(code(0))
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
  await page.getByRole('button', { name: /Account of admin/ }).waitFor()
  expect(visitor.consoleErrors.filter((text) => text.includes('Content Security'))).toEqual([])
})
