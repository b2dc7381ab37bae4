import { expect, onTestFinished, test } from 'vitest'
import { openSessionGateways } from '../harness/open-session-gateways.ts'
import { requireProgram } from '../harness/require-program.ts'
import { until } from '../harness/until.ts'
import { chromiumNames } from './open-demo.ts'
import { openBrowser } from './open-visitor.ts'

const tabs = 10

test('ten tabs of one Chromium that sign in at once all end at their pages (oauth2-proxy #611, kong-oidc #112)', async (context) => {
  const program = requireProgram(context, ...chromiumNames)
  const names = Array.from({ length: tabs }, (_, tab) => `tab-${tab}`)
  const all = await openSessionGateways({
    count: 1,
    routes: Object.fromEntries(names.map((name) => [name, {}])),
  })
  onTestFinished(all.stop)
  const chromium = await openBrowser(program)
  onTestFinished(() => chromium.close())
  const { browser } = chromium
  const window = await browser.newContext({ baseURL: all.gateways[0]?.url ?? '' })
  const pages = await Promise.all(names.map(() => window.newPage()))
  const open = async (index: number): Promise<string> => {
    const page = pages[index]
    if (page === undefined) throw new Error('there is no tab')
    await page.goto(`/${names[index]}?a=${index}`)
    return page.url()
  }
  const [first] = pages
  // A provider that is slow at its start is answered 503.
  await until('the form of the provider', async () => {
    await open(0)
    return (await first?.locator('input[name=login]').count()) === 1
  })
  await first?.fill('input[name=login]', 'anna')
  await first?.fill('input[name=password]', 'right')
  await first?.click('button[type=submit]')
  await first?.click('button[type=submit]')
  await first?.waitForURL('**/tab-0?a=0')
  // The provider knows the person from now on; the gateway does not.
  await window.clearCookies({ name: 'session' })
  const ends = await Promise.all(pages.map((_, index) => open(index)))
  expect(ends).toEqual(names.map((name, index) => `${all.gateways[0]?.url}/${name}?a=${index}`))
  for (const page of pages) {
    const { headers } = JSON.parse(await page.locator('body').innerText()) as {
      headers: Record<string, string>
    }
    expect(headers['x-user']).toBe('anna')
  }
  const cookies = await window.cookies()
  expect(cookies.filter(({ name }) => name.startsWith('authorization'))).toEqual([])
})
