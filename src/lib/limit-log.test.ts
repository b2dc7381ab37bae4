import { expect, test } from 'vitest'
import { limitLog } from './limit-log.ts'
import { openLog } from './log.ts'

const collect = (limits: Parameters<typeof limitLog>[1]) => {
  const lines: Record<string, unknown>[] = []
  const log = openLog('test', (line) => void lines.push(JSON.parse(line)))
  return { lines, log: limitLog(log, limits) }
}

test('writes a burst of one message and then the number of suppressed lines', async () => {
  const { lines, log } = collect({ burst: 2, interval: 50 })
  for (const attempt of [1, 2, 3, 4, 5]) log.warn('dns: lookup failed', { attempt })
  expect(lines.map(({ attempt }) => attempt)).toEqual([1, 2])
  await expect.poll(() => lines.length, { timeout: 10_000 }).toBe(3)
  expect(lines[2]).toMatchObject({ level: 'warn', message: 'dns: lookup failed', suppressed: 3 })
  log.warn('dns: lookup failed', { attempt: 6 })
  expect(lines.map(({ attempt }) => attempt)).toEqual([1, 2, undefined, 6])
})

test('limits each message and each level by itself', () => {
  const { lines, log } = collect({ burst: 1 })
  for (const message of ['a: failed', 'b: failed', 'a: failed']) log.error(message)
  log.info('a: failed')
  expect(lines.map(({ level, message }) => [level, message])).toEqual([
    ['error', 'a: failed'],
    ['error', 'b: failed'],
    ['info', 'a: failed'],
  ])
})
