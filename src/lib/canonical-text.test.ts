import fc from 'fast-check'
import { expect, test } from 'vitest'
import { canonicalText } from './canonical-text.ts'

const key = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'toJSON', 'constructor', '9', '10'))
const { value } = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string({ unit: 'binary' }),
    fc.double(),
    fc.constantFrom(undefined, null, true, new Date(0)),
    fc.array(tie('value')),
    fc.dictionary(key, tie('value'), { noNullPrototype: false }),
  ),
}))

test('is the JSON of a value whose keys are sorted while it is serialized', () => {
  const sortKeys = (inner: object) =>
    Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  fc.assert(
    fc.property(value, (one) => {
      const expected = JSON.stringify([one], (_key, inner: unknown) =>
        typeof inner === 'object' && inner !== null && !Array.isArray(inner)
          ? sortKeys(inner)
          : inner,
      )
      expect(canonicalText([one])).toBe(expected)
    }),
  )
})
