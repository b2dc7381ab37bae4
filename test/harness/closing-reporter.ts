import type { Reporter, TestCase, TestModule } from 'vitest/node'

/** Prints last what was skipped and why, and one line that counts; with CI=true a skipped test fails the run. */
export function closingReporter(ci = process.env['CI'] === 'true'): Reporter {
  return {
    onTestRunEnd(modules, unhandled) {
      const cases = modules.flatMap((module) => [...module.children.allTests()])
      const skipped = cases.filter((test) => test.result().state === 'skipped')
      const passed = cases.filter((test) => test.result().state === 'passed').length
      const broken = modules.filter(isBroken).length + unhandled.length
      const refused = ci ? skipped.length : 0
      const failed = cases.length - passed - skipped.length + broken + refused
      const lines = skipped.map((test) => `skipped: ${test.fullName} (${reasonOf(test)})`)
      if (refused > 0) lines.push('With CI=true nothing may be skipped: counted as failed.')
      const tail = skipped.length - refused > 0 ? `, ${skipped.length - refused} skipped` : ''
      lines.push(`${passed} passed, ${failed} failed${tail}`)
      process.stdout.write(`\n${lines.join('\n')}\n`)
      if (failed > 0) process.exitCode = 1
    },
  }
}

/** A file that failed before its tests could: they are not among the cases. */
const isBroken = (module: TestModule): boolean => module.errors().length > 0

function reasonOf(test: TestCase): string {
  const result = test.result()
  const note = result.state === 'skipped' ? result.note : undefined
  return note ?? 'marked to be skipped or narrowed by --testNamePattern'
}
