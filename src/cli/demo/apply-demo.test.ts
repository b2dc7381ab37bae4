import { expect, test } from 'vitest'
import { readDemoKeys } from './apply-demo.ts'
import { callers } from './callers.ts'

test('declares every named caller except the one with an invalid key as a consumer', () => {
  const keys = readDemoKeys()
  const undeclared = callers.filter(
    ({ consumer }) => consumer !== undefined && keys[consumer] === undefined,
  )
  expect(undeclared.map(({ consumer }) => consumer)).toEqual(['nobody'])
})
