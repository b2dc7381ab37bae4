import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ClientStreams } from './client-streams.ts'

const maxWindow = 2 ** 31 - 1
/** More than the slots of the table. */
const farBehind = 600

test('tracks the states of streams, or drops them, but never confuses them', () => {
  const step = fc.record({
    does: fc.constantFrom('open', 'open', 'skip', 'end'),
    // Of the streams that were opened, counted from the latest.
    back: fc.integer({ min: 0, max: 400 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 700 }), (steps) => {
      const streams = new ClientStreams()
      const known = new Map<number, string>()
      let last = -1
      for (const { does, back } of steps) {
        if (does === 'skip') known.set((last += 2), 'skipped')
        if (does !== 'end') {
          known.set((last += 2), 'open')
          streams.open(last)
          continue
        }
        const chosen = last - back * 2
        streams.end(chosen)
        if (known.get(chosen) === 'open') known.set(chosen, 'ended')
      }
      expect(streams.stateOf(last + 2)).toBe('idle')
      expect(streams.stateOf(2)).toBe('unknown')
      for (const [stream, state] of known) {
        const found = streams.stateOf(stream)
        if (found === 'unknown' || last - stream > farBehind) continue
        expect([stream, found]).toEqual([stream, state])
      }
      for (let stream = Math.max(1, last - 400); stream <= last; stream += 2)
        expect(streams.stateOf(stream)).not.toBe('unknown')
    }),
  )
})

test('detects each excessive window, and none of a client within the limit', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: maxWindow }), { maxLength: 40 })
  fc.assert(
    fc.property(sizes, fc.integer({ min: 0, max: maxWindow }), (increments, initial) => {
      const streams = new ClientStreams()
      streams.initialWindow = initial
      streams.open(1)
      let [window, sent] = [initial, 0]
      for (const increment of increments) {
        // The client has received the rest of its window, and opens it again.
        const room = maxWindow - window
        const used = Math.min(window, Math.max(0, increment - room))
        sent += used
        window += increment - used
        const isTooLarge = window > maxWindow
        expect(streams.overflows(1, increment, () => sent)).toBe(isTooLarge)
        if (isTooLarge) return
      }
      expect(streams.overflows(1, maxWindow - window + 1, () => sent)).toBe(true)
    }),
  )
})
