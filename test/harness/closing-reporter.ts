import type { Reporter, TestCase, TestModule } from 'vitest/node'

/** Prints skipped tests with the reason, and a line with the totals. With CI=true a skipped test fails the run. */
export function closingReporter(ci = process.env['CI'] === 'true'): Reporter {
  return {
    onTestRunEnd(modules, unhandled) {
      const cases = modules.flatMap((module) => [...module.children.allTests()])
      const skipped = cases.filter((test) => test.result().state === 'skipped')
      const passed = cases.filter((test) => test.result().state === 'passed').length
      const broken = modules.filter(isBroken).length + unhandled.length
      const refused = ci ? skipped.length : 0
      const failed = cases.length - passed - skipped.length + broken + refused
      const lines = [...Map.groupBy(skipped, reasonOf)].map(describeSkipped)
      if (refused > 0) lines.push('With CI=true nothing may be skipped: counted as failed.')
      const tail = skipped.length - refused > 0 ? `, ${skipped.length - refused} skipped` : ''
      lines.push(`${passed} passed, ${failed} failed${tail}`)
      process.stdout.write(`\n${lines.join('\n')}\n`)
      if (failed > 0) process.exitCode = 1
    },
  }
}

const shown = 10

function describeSkipped([reason, tests]: [string, TestCase[]]): string {
  const names = tests.slice(0, shown).map((test) => `  ${test.fullName}`)
  const more = tests.length > shown ? [`  and ${tests.length - shown} more`] : []
  return [`skipped because ${reason}:`, ...names, ...more].join('\n')
}

/** A file that failed to load; its tests are not among the cases. */
const isBroken = (module: TestModule): boolean => module.errors().length > 0

function reasonOf(test: TestCase): string {
  const result = test.result()
  const note = result.state === 'skipped' ? result.note : undefined
  return note ?? 'it is marked so, or this run was narrowed'
}
