import { expect } from 'vitest'
import { until } from '../harness/until.ts'
import type { Visitor } from './open-visitor.ts'

/** The pages of the Manager that need no object. */
export const listPages = [
  '/services',
  '/routes',
  '/upstreams',
  '/consumers',
  '/consumer_groups',
  '/plugins',
  '/certificates',
  '/vaults',
  '/keys',
  '/key-sets',
] as const

/** Waits until the overview shows numbers and rows. */
export async function waitForTraffic({ page }: Visitor): Promise<void> {
  await page.locator('tbody tr').first().waitFor()
  await page.locator('figure').first().waitFor()
}

/** The page is no wider than the window, so that nothing scrolls sideways but tables inside of it. */
export async function checkNoSidewaysScroll({ page }: Visitor): Promise<void> {
  const excess = await page.evaluate('document.documentElement.scrollWidth - window.innerWidth')
  expect(excess, `${page.url()} scrolls sideways`).toBeLessThanOrEqual(0)
}

/** Everything one can click has a name that is read out. */
export async function checkNames({ page }: Visitor): Promise<void> {
  const nameless = await page.evaluate(`
    [...document.querySelectorAll('button, a, input:not([type=hidden])')]
      .filter((element) => element.checkVisibility())
      .filter((element) => !(element.innerText || element.ariaLabel || element.title
        || element.labels?.length || element.querySelector('[aria-label]')))
      .map((element) => element.outerHTML.slice(0, 200))`)
  expect(nameless).toEqual([])
}

/** Waits until the page says something, and gives all it says. */
export const untilSaid = (visitor: Visitor, words: string | RegExp): Promise<string> =>
  until(`${visitor.page.url()} to say ${words}`, async () => {
    const said = await visitor.words()
    return said.search(words) >= 0 ? said : undefined
  })

/** The rows that the table of latest requests shows now. */
export async function shownRows({ page }: Visitor): Promise<string[]> {
  const rows = await page.locator('tbody tr').allInnerTexts()
  return rows.map((row) => row.replaceAll(/\s+/g, ' '))
}
