import { afterEach, expect, test, vi } from 'vitest'
import { findPrograms } from './run-suite.ts'

afterEach(() => void vi.unstubAllEnvs())

const suite = (variable: string) => ({
  name: 'some',
  programs: [{ variable, names: ['no-such-program'] }],
  run: () => Promise.resolve([]),
})

test('reports which program is missing and how to set its path', () => {
  expect(findPrograms(suite('WEIR_NONE'))).toEqual({
    missing: 'no-such-program (set WEIR_NONE, or put it into PATH)',
  })
  vi.stubEnv('WEIR_NONE', '/usr/bin/some')
  expect(findPrograms(suite('WEIR_NONE'))).toEqual(['/usr/bin/some'])
})
