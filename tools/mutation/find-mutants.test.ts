import { describe, expect, test } from 'vitest'
import { findMutants } from './find-mutants.ts'

const mutate = (text: string): string[] =>
  findMutants('a.ts', text).map(
    ({ start, end, replacement }) => text.slice(0, start) + replacement + text.slice(end),
  )

describe('findMutants', () => {
  test.each([
    ['a < b', ['a <= b']],
    ['a === b', ['a !== b']],
    ['a ?? b', ['a && b']],
    ['if (a) b()', ['if (true) b()', 'if (false) b()', 'if (a) ;']],
    [
      'const f = () => { return !a }',
      ['const f = () => { return undefined as never }', 'const f = () => { return a }'],
    ],
    ['const a = 1', ['const a = (1 + 1)']],
    ['await a.b()', [';']],
    ['const x = list.some(test)', ['const x = list.every(test)']],
    ['const x = list.toString()', []],
    ['const f = () => { return undefined }', []],
  ])('%s', (text, expected) => {
    expect(mutate(text).toSorted()).toEqual(expected.toSorted())
  })

  test('ignores types and imports', () => {
    expect(
      mutate(`import { a } from './a.ts'\ntype A = 1 | true | 'x'\nconst b: 2 | A = a`),
    ).toEqual([])
  })
})
