import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { onTestFinished } from 'vitest'

export type Account = { readonly name: string; readonly password: string }

/** A person with a browser. */
export type Visitor = {
  readonly page: Page
  /** Errors of the browser console: script errors, failed resources, violations of the content security policy. */
  readonly consoleErrors: readonly string[]
  /** Opens an address of the Manager and waits for the page. */
  go(path: string): Promise<void>
  /** The visible text of the page. */
  text(): Promise<string>
}

export type VisitorOptions = {
  readonly account?: Account
  readonly scheme?: 'light' | 'dark'
  readonly width?: number
}

/** A browser in which each account stays signed in: a new sign-in would load and compile the pages again. */
export type TestBrowser = {
  readonly browser: Browser
  readonly signedIn: Map<string, Promise<BrowserContext>>
  close(): Promise<void>
}

/** Starts a headless Chromium. */
export async function openBrowser(executablePath: string): Promise<TestBrowser> {
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  return { browser, signedIn: new Map(), close: () => browser.close() }
}

/** Opens a browser window on the Manager for the duration of the test, signed in when an account is given. */
export async function openVisitor(
  { browser, signedIn }: TestBrowser,
  managerUrl: string,
  { account, scheme = 'light', width = 1440 }: VisitorOptions = {},
): Promise<Visitor> {
  const key = `${managerUrl} ${account?.name}`
  const opening = signedIn.get(key) ?? openContext(browser, managerUrl, account)
  if (account !== undefined) signedIn.set(key, opening)
  const context = await opening
  const page = await context.newPage()
  onTestFinished(() => (account === undefined ? context.close() : page.close()))
  await page.setViewportSize({ width, height: 900 })
  await page.emulateMedia({ colorScheme: scheme })
  const consoleErrors: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') consoleErrors.push(message.text())
  })
  page.on('pageerror', (error) => consoleErrors.push(error.message))
  return {
    page,
    consoleErrors,
    async go(path) {
      await page.goto(path)
      await page.locator('h1, form').first().waitFor()
    },
    text: () => page.locator('body').innerText(),
  }
}

async function openContext(
  browser: Browser,
  managerUrl: string,
  account: Account | undefined,
): Promise<BrowserContext> {
  const context = await browser.newContext({
    baseURL: managerUrl,
    // An endless animation is painted by the processor, at sixty frames a second.
    reducedMotion: 'reduce',
    acceptDownloads: true,
  })
  if (account === undefined) return context
  const { name, password } = account
  const answer = await context.request.post('/api/session', { data: { name, password } })
  if (!answer.ok()) throw new Error(`${name} may not sign in: ${await answer.text()}`)
  const { csrf_token: token } = (await answer.json()) as { csrf_token: string }
  await context.addInitScript((text) => {
    if (localStorage.getItem('weir.csrf-token') === null)
      localStorage.setItem('weir.csrf-token', text)
  }, token)
  return context
}
