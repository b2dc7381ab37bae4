import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FieldNames } from './field-names.ts'

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,80}$/)
const anyCase = (text: string): fc.Arbitrary<string> =>
  fc.array(fc.boolean(), { minLength: text.length, maxLength: text.length }).map((upper) =>
    text
      .split('')
      .map((one, at) => (upper[at] ? one.toUpperCase() : one))
      .join(''),
  )

test('finds names in any letter case', () => {
  const cases = fc.tuple(fc.uniqueArray(name, { maxLength: 12 }), name).chain(([names, other]) =>
    fc.tuple(
      fc.constant(names),
      fc.constantFrom(other, ...names).chain((asked) => anyCase(asked)),
    ),
  )
  fc.assert(
    fc.property(cases, ([names, asked]) => {
      const set = new FieldNames(names)
      expect(set.has(asked)).toBe(names.includes(asked.toLowerCase()))
      expect(set.hasFolded(asked.replaceAll('-', '_'))).toBe(names.includes(asked.toLowerCase()))
    }),
  )
})
