import type { SourceFile } from '../../test/tidy/read-source.ts'

/**
 * Flow tests that exercise a folder through a running program. Imports do not show these, because the code under test
 * runs in a child process or behind a socket.
 */
const flows: Readonly<Record<string, readonly string[]>> = {
  'src/access': ['test/flows/rbac.test.ts', 'test/flows/analytics-routes.test.ts'],
  'src/analytics': ['test/flows/analytics-routes.test.ts', 'test/flows/audit-dataset.test.ts'],
  'src/cluster': [
    'test/flows/supervision.test.ts',
    'test/flows/control-planes.test.ts',
    'test/flows/upgrade.test.ts',
  ],
  'src/proxy': ['test/flows/proxy.test.ts', 'test/flows/plugins.test.ts'],
  'src/proxy/http1': [
    'test/conformance/smuggling.test.ts',
    'test/conformance/answers.test.ts',
    'test/conformance/differential.test.ts',
    'test/flows/engine-connections.test.ts',
    'test/flows/engine-streams.test.ts',
  ],
  'src/telemetry': ['test/flows/kill.test.ts'],
}

/** Flow tests of a few seconds each, which run before the others. */
const quickFlows: Readonly<Record<string, readonly string[]>> = {
  'src/proxy/http1': ['test/flows/engine-connections.test.ts', 'test/flows/buffering.test.ts'],
  'src/proxy/walk': [
    'test/flows/proxy.test.ts',
    'test/flows/buffering.test.ts',
    'test/flows/durations.test.ts',
    'test/flows/plugin-answers.test.ts',
    'test/flows/every-front-ends.test.ts',
    'test/flows/every-walk-ends.test.ts',
  ],
}

/** Test files that may detect a mutant in `path`. Each list is run only when the one before detects nothing. */
export type ChosenTests = {
  /** Unit tests of the room that import the file itself. */
  readonly direct: string[]
  /** Other unit tests of the room. */
  readonly indirect: string[]
  readonly quickFlow: string[]
  readonly flow: string[]
}

export function chooseTests(path: string, files: readonly SourceFile[]): ChosenTests {
  const room = path.split('/').slice(0, 2).join('/')
  const reaching = importersOf(path, files)
  const tests = [...reaching.keys()].filter((file) => file.includes('.test.'))
  const byDistance = tests.toSorted((one, other) => reaching.get(one)! - reaching.get(other)!)
  const unit = byDistance.filter((file) => file.startsWith(`${room}/`))
  const named = (of: typeof flows): string[] =>
    Object.entries(of)
      .filter(([folder]) => path.startsWith(`${folder}/`))
      .flatMap(([, paths]) => paths)
  const others = byDistance.filter((file) => !unit.includes(file) && reaching.get(file)! <= 3)
  const known = new Set(files.map((file) => file.path))
  const quick = named(quickFlows).filter((file) => known.has(file))
  return {
    direct: unit.filter((file) => reaching.get(file) === 1),
    indirect: unit.filter((file) => reaching.get(file)! > 1),
    quickFlow: quick,
    flow: [...new Set([...others, ...named(flows)])].filter(
      (file) => known.has(file) && !quick.includes(file),
    ),
  }
}

/** Direct and indirect importers of `path`, with the length of the import chain. */
function importersOf(path: string, files: readonly SourceFile[]): Map<string, number> {
  const distances = new Map<string, number>([[path, 0]])
  const queue = [path]
  for (const next of queue) {
    for (const file of files) {
      if (distances.has(file.path) || !file.imports.includes(next)) continue
      distances.set(file.path, distances.get(next)! + 1)
      queue.push(file.path)
    }
  }
  distances.delete(path)
  return distances
}
