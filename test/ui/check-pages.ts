import { expect } from 'vitest'
import { until } from '../harness/until.ts'
import type { Visitor } from './open-visitor.ts'

/** The list pages of the Manager. */
export const listPages = [
  '/services',
  '/routes',
  '/upstreams',
  '/consumers',
  '/consumer_groups',
  '/plugins',
  '/certificates',
  '/partials',
  '/vaults',
  '/keys',
  '/key-sets',
] as const

/** Waits until the overview shows charts and rows. */
export async function waitForTraffic({ page }: Visitor): Promise<void> {
  await page.locator('tbody tr').first().waitFor()
  await page.locator('figure').first().waitFor()
}

const schemes = ['light', 'dark'] as const
const widths = [1440, 390] as const

/** Expects that a page fits narrow and wide windows and has accessible names in both color schemes; it stays narrow and dark. */
export async function checkForm(visitor: Visitor): Promise<void> {
  const { page } = visitor
  for (const colorScheme of schemes) {
    await page.emulateMedia({ colorScheme })
    const applied = page.locator(`html[data-mantine-color-scheme=${colorScheme}]`)
    await applied.waitFor({ state: 'attached' })
    for (const width of widths) {
      await page.setViewportSize({ width, height: 900 })
      await page.evaluate(
        'new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))',
      )
      await checkNoHorizontalScroll(visitor)
      await checkNames(visitor)
    }
  }
}

/** Expects that the page itself does not scroll horizontally. */
export async function checkNoHorizontalScroll({ page }: Visitor): Promise<void> {
  const excess = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth')
  const width = page.viewportSize()?.width
  expect(excess, `${page.url()} scrolls horizontally at ${width} pixels`).toBeLessThanOrEqual(0)
}

/** Expects an accessible name on every button, link and input. */
export async function checkNames({ page }: Visitor): Promise<void> {
  const nameless = await page.evaluate(`
    [...document.querySelectorAll('button, a, input:not([type=hidden])')]
      .filter((element) => element.checkVisibility())
      .filter((element) => !(element.innerText || element.ariaLabel || element.title
        || element.labels?.length || element.querySelector('[aria-label]')))
      .map((element) => element.outerHTML.slice(0, 200))`)
  expect(nameless).toEqual([])
}

/** Waits until the page contains a text, and returns all its text. */
export const untilText = (
  visitor: Visitor,
  ...words: readonly (string | RegExp)[]
): Promise<string> =>
  until(`${visitor.page.url()} to show ${words.join(' and ')}`, async () => {
    const text = await visitor.text()
    return words.every((word) => text.search(word) >= 0) ? text : undefined
  })

/** The visible rows of the table. */
export async function shownRows({ page }: Visitor): Promise<string[]> {
  const rows = await page.locator('tbody tr').allInnerTexts()
  return rows.map((row) => row.replaceAll(/\s+/g, ' '))
}
