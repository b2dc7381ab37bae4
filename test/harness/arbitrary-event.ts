import fc from 'fast-check'
import { eventColumns, type Event, type EventColumnName } from '../../src/schema/event.ts'

const text = fc.oneof(
  fc.constantFrom('', 'a', 'orders', '/orders/7', '"\\\n\t€'),
  fc.string({ unit: 'binary', maxLength: 40 }).filter((some) => some.isWellFormed()),
)

const arbitraryValue: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  UInt8: fc.nat(255),
  UInt16: fc.nat(65_535),
  UInt64: fc.oneof(fc.nat(1_000), fc.maxSafeNat()),
  UUID: fc.uuid(),
}

function arbitraryOf(name: EventColumnName): fc.Arbitrary<unknown> {
  if (name === 'time')
    return fc
      .tuple(fc.integer({ min: 1_763_000_000, max: 1_764_000_000 }), fc.nat(999_999))
      .map(([seconds, micros]) => `${seconds}.${String(micros).padStart(6, '0')}`)
  const { type } = eventColumns[name]
  if (type.startsWith('Array(')) return fc.array(text, { maxLength: 3 })
  return arbitraryValue[type] ?? text
}

/** An event with any values. */
export const arbitraryEvent: fc.Arbitrary<Event> = fc.record(
  Object.fromEntries(
    (Object.keys(eventColumns) as EventColumnName[]).map((name) => [name, arbitraryOf(name)]),
  ),
) as unknown as fc.Arbitrary<Event>
