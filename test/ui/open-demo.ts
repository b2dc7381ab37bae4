import { afterAll, beforeAll, beforeEach } from 'vitest'
import { demoAccounts } from '../../src/cli/demo/apply-demo.ts'
import { findProgram, requireProgram } from '../harness/require-program.ts'
import { startWeir, type TestWeir } from '../harness/start-weir.ts'
import {
  openBrowser,
  openVisitor,
  type TestBrowser,
  type Visitor,
  type VisitorOptions,
} from './open-visitor.ts'

/** Program names of Chromium. */
export const chromiumNames = ['chromium', 'chromium-browser', 'google-chrome'] as const

/** Accounts of the demo: its super-admin and the developer of ProductX. */
export const [admin, developer] = demoAccounts

export type Demo = {
  /** The running demo; available only inside tests. */
  readonly weir: () => TestWeir
  /** Opens a browser window on the demo or another Weir for the duration of the test. */
  readonly visit: (options?: VisitorOptions & { readonly weir?: TestWeir }) => Promise<Visitor>
}

/** Starts the demo and a browser for all tests of a file; without Chromium they are skipped. */
export function openDemo(): Demo {
  let weir: TestWeir
  let stopWeir: (() => Promise<void>) | undefined
  let browser: TestBrowser

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
  beforeEach((context) => void requireProgram(context, ...chromiumNames))

  return {
    weir: () => weir,
    visit: ({ weir: visited = weir, ...options } = {}) =>
      openVisitor(browser, visited.managerUrl, options),
  }
}
