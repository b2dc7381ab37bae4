import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, beforeEach } from 'vitest'
import { demoAccounts } from '../../src/cli/demo/apply-demo.ts'
import { findProgram, need } from '../harness/need.ts'
import { startWeir, type TestWeir } from '../harness/start-weir.ts'
import { openBrowser, openVisitor, type Visitor, type VisitorOptions } from './open-visitor.ts'

/** Names under which the system's Chromium may be found. */
export const chromiumNames = ['chromium', 'chromium-browser', 'google-chrome'] as const

/** Who may sign in to the demo: its super-admin, and a developer of one workspace. */
export const [admin, developer] = demoAccounts

/** The demo, and a way to come before its pages. */
type Demo = {
  /** The running demo; only inside of tests. */
  readonly weir: () => TestWeir
  /** Opens a window of its own for the length of the test, before the demo or another Weir. */
  readonly visit: (options?: VisitorOptions & { readonly weir?: TestWeir }) => Promise<Visitor>
}

/** Starts the demo and a browser for all tests of a file; without Chromium they are skipped. */
export function openDemo(): Demo {
  let weir: TestWeir
  let stopWeir: (() => Promise<void>) | undefined
  let browser: Browser

  beforeAll(async () => {
    const program = findProgram(...chromiumNames)
    if (program === undefined) return
    weir = await startWeir({
      command: ['demo'],
      env: { WEIR_WORKERS: '1' },
      onFinished: (stop) => (stopWeir = stop),
    })
    browser = await openBrowser(program)
  }, 90_000)
  afterAll(async () => {
    await browser?.close()
    await stopWeir?.()
  })
  beforeEach((context) => void need(context, ...chromiumNames))

  return {
    weir: () => weir,
    visit: ({ weir: visited = weir, ...options } = {}) =>
      openVisitor(browser, visited.managerUrl, options),
  }
}
