import { expect, test } from 'vitest'
import { compare } from './compare.ts'

test.each([
  [110, 100, { direction: 'up', label: '10%' }],
  [98.5, 100, { direction: 'down', label: '1.5%' }],
  [100.1, 100, { direction: 'same', label: 'no change' }],
  [2000, 100, { direction: 'up', label: '20×' }],
  [0, 100, { direction: 'down', label: '100%' }],
  [5, 0, undefined],
  [undefined, 3, undefined],
] as const)('%s after %s', (value, previous, change) => {
  expect(compare(value, previous)).toEqual(change)
})
