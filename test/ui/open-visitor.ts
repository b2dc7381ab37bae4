import { chromium, type Browser, type Page } from 'playwright-core'
import { onTestFinished } from 'vitest'

/** Who signs in. */
export type Account = { readonly name: string; readonly password: string }

/** A person before a browser of their own. */
export type Visitor = {
  readonly page: Page
  /** What the browser complained about: script errors, refused resources, violations of the content security policy. */
  readonly complaints: readonly string[]
  /** Goes to an address of the Manager and waits until its page is there. */
  go(path: string): Promise<void>
  /** Everything the page says in words. */
  words(): Promise<string>
}

/** How a visitor's browser is. */
export type VisitorOptions = {
  readonly account?: Account
  readonly scheme?: 'light' | 'dark'
  readonly width?: number
}

/** Starts a headless Chromium. */
export const openBrowser = (executablePath: string): Promise<Browser> =>
  chromium.launch({ executablePath, args: ['--no-sandbox'] })

/** Opens a browser window of its own at the Manager for the length of the test, signed in when an account is given. */
export async function openVisitor(
  browser: Browser,
  managerUrl: string,
  { account, scheme = 'light', width = 1440 }: VisitorOptions = {},
): Promise<Visitor> {
  const context = await browser.newContext({
    baseURL: managerUrl,
    viewport: { width, height: 900 },
    colorScheme: scheme,
    acceptDownloads: true,
  })
  onTestFinished(() => context.close())
  if (account !== undefined) {
    const { name, password } = account
    const answer = await context.request.post('/api/session', { data: { name, password } })
    if (!answer.ok()) throw new Error(`${name} may not sign in: ${await answer.text()}`)
  }
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(error.message))
  return {
    page,
    complaints,
    async go(path) {
      await page.goto(path)
      await page.locator('h1, form').first().waitFor()
    },
    words: () => page.locator('body').innerText(),
  }
}
