import fc from 'fast-check'
import { expect, test } from 'vitest'
import { runToCompletion } from './cooperative-task.ts'
import { jsonSteps } from './json-steps.ts'

const leaf = fc.oneof(
  fc.string(),
  fc.double(),
  fc.boolean(),
  fc.constantFrom(null, undefined, new Date(0), () => 1),
)
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 6 },
    leaf,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(fc.string(), tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
}))

test('serializes what JSON.stringify serializes, and may be suspended at each item of a list', () => {
  fc.assert(
    fc.property(fc.array(value), (list) => {
      expect(
        runToCompletion(jsonSteps({ list })).equals(Buffer.from(JSON.stringify({ list }))),
      ).toBe(true)
      expect([...jsonSteps(list)].length).toBeGreaterThanOrEqual(list.length)
    }),
    { numRuns: 200 },
  )
})

test('serializes a text of many chunks', () => {
  const list = Array.from({ length: 20_000 }, (_, number) => ({
    number,
    text: '\u{1F4A7}é'.repeat(9),
  }))
  expect(JSON.parse(runToCompletion(jsonSteps({ list })).toString())).toEqual({ list })
})
