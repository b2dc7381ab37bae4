import { expect, test } from 'vitest'
import { describeCompleteness } from './describe-completeness.ts'

const at = (minute: number): string => new Date(minute * 60_000).toISOString()
const shown = (end: number) => ({
  end: end * 60_000,
  now: 10 * 60_000,
  clock: (time: number) => `${time / 60_000}`,
})

test('states up to when charts are complete, and which nodes are missing', () => {
  const missing = [
    { node: 'eu-2', until: at(5), lastHeard: at(6) },
    { node: null, until: null, lastHeard: at(7) },
  ]
  expect(describeCompleteness({ until: at(9), missing }, shown(10))).toBe(
    'Complete up to 9. Node eu-2 sent its last heartbeat 4 min ago. A node sent its last heartbeat 3 min ago.',
  )
})

test('shows nothing for complete charts', () => {
  const missing = [{ node: 'eu-2', until: at(5), lastHeard: at(6) }]
  expect(describeCompleteness({ until: at(9), missing }, shown(4))).toBeUndefined()
  expect(describeCompleteness({ until: null, missing: [] }, shown(10))).toBeUndefined()
})
