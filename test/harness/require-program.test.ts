import { expect, test } from 'vitest'
import { findProgram, requireProgram } from './require-program.ts'

test('finds a program on the path by any of its names', () => {
  expect(findProgram('no-such-program', 'sh')).toMatch(/\/sh$/)
})

test('skips a test whose program is missing, with its name', () => {
  const skip = (note?: boolean | string): never => {
    throw new Error(String(note))
  }
  expect(() => requireProgram({ skip }, 'no-such-program')).toThrow(
    'no-such-program is not installed',
  )
})
