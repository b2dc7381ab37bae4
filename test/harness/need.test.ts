import { expect, test } from 'vitest'
import { findProgram, need } from './need.ts'

test('a program on the path is found, by any of its names', () => {
  expect(findProgram('no-such-program', 'sh')).toMatch(/\/sh$/)
})

test('a test that needs a missing program is skipped with its name', () => {
  const skip = (note?: boolean | string): never => {
    throw new Error(String(note))
  }
  expect(() => need({ skip }, 'no-such-program')).toThrow('no-such-program is not installed')
})
