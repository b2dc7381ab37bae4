import { expect, test } from 'vitest'
import type { SourceFile } from '../../test/tidy/read-source.ts'
import { chooseTests } from './choose-tests.ts'

const file = (path: string, ...imports: string[]): SourceFile => ({
  path,
  lines: 1,
  imports,
  exports: [],
  isBarrel: false,
  readsEnvironment: false,
  problemCodes: [],
  foreignValues: [],
  problems: [],
  texts: [],
  entityChecks: [],
})

test('runs the nearest unit tests of the room first, then tests elsewhere and the flows of the folder', () => {
  const files = [
    file('src/access/decide.ts'),
    file('src/access/decide.test.ts', 'src/access/decide.ts'),
    file('src/access/explain.ts', 'src/access/decide.ts'),
    file('src/access/explain.test.ts', 'src/access/explain.ts'),
    file('src/access/other.test.ts'),
    file('src/analytics/govern.test.ts', 'src/access/decide.ts'),
    file('test/flows/rbac.test.ts'),
  ]
  expect(chooseTests('src/access/decide.ts', files)).toEqual({
    direct: ['src/access/decide.test.ts'],
    indirect: ['src/access/explain.test.ts'],
    quickFlow: [],
    flow: ['src/analytics/govern.test.ts', 'test/flows/rbac.test.ts'],
  })
})

test('runs quick flows of the folder apart from the others', () => {
  const [quick, slow] = ['test/flows/buffering.test.ts', 'test/flows/plugins.test.ts']
  const files = [quick, slow, 'src/proxy/walk/send-answer.ts'].map((path) => file(path))
  expect(chooseTests('src/proxy/walk/send-answer.ts', files)).toMatchObject({
    quickFlow: [quick],
    flow: [slow],
  })
})
