import { expect, test } from 'vitest'
import { z } from 'zod'
import { buildTestSnapshot } from '../../test/harness/build-snapshot.ts'
import { referenceable } from '../entities/referenceable-fields.ts'
import { definePlugin } from '../proxy/plugin.ts'
import { openCompileCheck } from './open-compile-check.ts'

/** A proof that counts the plugins it prepares, and those that are open. */
function openCountedProof() {
  const counts = { prepared: 0, open: 0 }
  const counted = definePlugin({
    name: 'counted',
    about: 'Counts.',
    settings: z.object({ text: referenceable(z.string()) }),
    prepare() {
      counts.prepared += 1
      counts.open += 1
      return { close: () => void (counts.open -= 1) }
    },
  })
  const prove = openCompileCheck({
    catalog: [counted],
    counters: { take: () => ({ admitted: true, counts: [] }) },
    clock: { now: () => 0 },
  })
  const proveTexts = (...texts: readonly unknown[]) =>
    prove(
      buildTestSnapshot({ plugins: texts.map((text) => ({ name: 'counted', config: { text } })) }),
    )
  return { counts, proveTexts }
}

test('costs what differs from the snapshot that was accepted last', () => {
  const { counts, proveTexts } = openCountedProof()
  proveTexts('a', 'b')()
  expect(counts).toEqual({ prepared: 2, open: 0 })
  proveTexts('a', 'c')
  expect(counts).toEqual({ prepared: 3, open: 0 })
  // The one before was not accepted.
  proveTexts('a', 'c')()
  expect(counts).toEqual({ prepared: 4, open: 0 })
  proveTexts('a', 'c', 'd')()
  expect(counts).toEqual({ prepared: 5, open: 0 })
  proveTexts('a')()
  expect(counts).toEqual({ prepared: 5, open: 0 })
})

test('refuses what could not run, and goes on from the snapshot that was accepted last', () => {
  const { counts, proveTexts } = openCountedProof()
  proveTexts('a')()
  expect(() => proveTexts('a', 7)).toThrow('plugin plugin-1 (counted)')
  expect(() => proveTexts('a', '{vault://env/..}')).toThrow('is not a valid reference')
  proveTexts('a', '{vault://env/x}', '{vault://comes-later/x}')()
  expect(counts).toEqual({ prepared: 1, open: 0 })
})
