import { expect, test } from 'vitest'
import { missedTargets } from './targets.ts'

const row = { case: 'change', subject: 'weir', size: 20_000 }

test('finds no miss at the bounds', () => {
  expect(
    missedTargets([
      { ...row, control_cpu_ms: 5, worker_mb: 400, deaths: 0, p99_ms: 25, p99_before_ms: 5 },
      { ...row, size: 10_000, time_s: 60 },
      { ...row, time_s: 100 },
      { case: 'lists', subject: 'weir', time_ms: 1_000 },
    ]),
  ).toEqual([])
})

test('names each missed bound', () => {
  expect(
    missedTargets([
      { ...row, control_cpu_ms: 5.1, worker_mb: 401, deaths: 1, p99_ms: 26, p99_before_ms: 5 },
      { ...row, size: 10_000, time_s: 61 },
    ]),
  ).toEqual([
    'change, weir: control_cpu_ms 5.1, at most 5',
    'change, weir: worker_mb 401, at most 400',
    'change, weir: deaths 1, at most 0',
    'change, weir: p99_ms 26 after 5, at most 20 more',
    'change, weir: time_s 61, at most 60',
  ])
})

test('beyond 20,000 services requires no more than undisturbed traffic and no death', () => {
  const large = { ...row, size: 100_000, control_cpu_ms: 9, worker_mb: 900, time_s: 900 }
  expect(missedTargets([large])).toEqual([])
  expect(missedTargets([{ ...large, deaths: 1, p99_ms: 90, p99_before_ms: 5 }])).toHaveLength(2)
})
