import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { workspaces } from '../../../test/harness/arbitrary-rights.ts'
import { openTestWarehouse } from '../../../test/harness/open-test-warehouse.ts'
import { buildTestRights } from '../../../test/harness/build-test-rights.ts'
import type { Answer } from '../../schema/answer.ts'
import { granularities } from '../../schema/query.ts'
import { bucketStarts, isFixed, nextBucket, startOfBucket } from './buckets.ts'
import { openAnalytics } from '../open-analytics.ts'
import { buildZone } from './zone.ts'

// Half-hour and 45-minute offsets, clocks changed at midnight, by half an hour, across the date line, and twice the same hour.
const zones = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kolkata',
  'Asia/Kathmandu',
  'America/St_Johns',
  'Australia/Lord_Howe',
  'America/Havana',
  'America/Santiago',
  'Africa/Cairo',
  'Asia/Beirut',
  'Africa/Casablanca',
  'Pacific/Apia',
  'Pacific/Chatham',
]

// A zone measures each offset once, which takes longer than what is tested.
const built = new Map(zones.map((name) => [name, buildZone(name)]))

let warehouse: Awaited<ReturnType<typeof openTestWarehouse>>
beforeAll(async () => {
  warehouse = await openTestWarehouse()
})
afterAll(async () => {
  await warehouse.close()
})

const year = (number: number): number => Date.UTC(number, 0)
const from = year(2020)
const hours = (year(2035) - from) / 3_600_000

/** The hours around which the clocks of a zone change. */
function changes(name: string): readonly number[] {
  const zone = built.get(name) ?? buildZone(name)
  const offset = (at: number): number => Date.UTC(...zone.localTimeOf(at)) - at
  const day = 86_400_000
  const weeks = Array.from({ length: Math.floor(hours / 168) }, (_, week) => from + week * 7 * day)
  // No zone changes its clocks there and back within a week.
  return weeks
    .filter((at) => offset(at) !== offset(at + 7 * day))
    .flatMap((week) => Array.from({ length: 7 }, (_, index) => week + index * day))
    .filter((at) => offset(at) !== offset(at + day))
}

test('the engine computes the same buckets, including at DST transitions', async () => {
  const analytics = openAnalytics({
    warehouse,
    rightsOf: () => undefined,
    clock: { now: () => year(2035) },
  })
  const rights = buildTestRights(workspaces[0], ['+* *'])
  const around = zones.flatMap((zone) => {
    const all = changes(zone)
    return [all[0], all.at(-1)].flatMap((at) =>
      at === undefined
        ? []
        : Array.from({ length: 24 }, (_, step) => at - 6 * 3_600_000 + step * 3_600_000 + 1),
    )
  })
  const some = fc.sample(fc.integer({ min: from, max: year(2035) - 1 }), { numRuns: 300, seed: 1 })
  const instants = [...new Set([...around, ...some])]
  await warehouse.store(
    instants.map((at) => ({ time: (at / 1000).toFixed(6), node: String(at), workspace: 'w' })),
  )
  for (const timezone of zones) {
    for (const granularity of granularities) {
      // The short ones are the same everywhere.
      if (isFixed(granularity) && timezone !== 'Asia/Kathmandu') continue
      const ask = async (time: object): Promise<Answer['data']> => {
        const timeDimensions = [{ dimension: 'requests.time', granularity, ...time }]
        const question = {
          dimensions: ['requests.node'],
          timeDimensions,
          ungrouped: true,
          timezone,
        }
        return (await analytics.answer(rights, question)).data
      }
      const zone = built.get(timezone) ?? buildZone(timezone)
      const expected = Object.fromEntries(
        instants.map((at) => [
          String(at),
          new Date(startOfBucket(zone, granularity, at)).toISOString(),
        ]),
      )
      const found = (data: Answer['data']) =>
        Object.fromEntries(
          data.map((row) => [row['requests.node'], row[`requests.time.${granularity}`]]),
        )
      expect(found(await ask({ dateRange: ['2019-12-30', '2035-12-31'] }))).toEqual(expected)
      // Without a range the engine cuts by itself; it knows older rules for the clocks of Morocco.
      if (timezone === 'Africa/Casablanca') continue
      expect(found(await ask({}))).toEqual(expected)
    }
  }
}, 240_000)

test('the buckets of a range are adjacent', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...built.values()),
      fc.constantFrom('hour' as const, 'day' as const, 'week' as const),
      fc.integer({ min: from, max: year(2030) }),
      (zone, granularity, instant) => {
        const range = { from: instant, to: instant + 40 * 86_400_000 }
        const starts = [startOfBucket(zone, granularity, range.from)]
        for (;;) {
          const next = nextBucket(zone, granularity, starts.at(-1) ?? 0)
          if (next >= range.to) break
          starts.push(next)
        }
        expect(bucketStarts(zone, granularity, range.from, range.to, 1000)).toEqual(starts)
        expect(bucketStarts(zone, granularity, range.from, range.to, 5)).toBe(undefined)
      },
    ),
    { numRuns: 30 },
  )
})

test('the hours of a range are adjacent where the clocks change by half an hour', () => {
  const zone = buildZone('Australia/Lord_Howe')
  for (const change of changes('Australia/Lord_Howe').slice(0, 2)) {
    const starts = [startOfBucket(zone, 'hour', change)]
    for (let next = 0; next < change + 2 * 86_400_000; starts.push(next))
      next = nextBucket(zone, 'hour', starts.at(-1) ?? 0)
    const end = starts.at(-1) ?? 0
    expect(bucketStarts(zone, 'hour', change, end, 1000)).toEqual(starts.slice(0, -1))
  }
})

test('a bucket ends where the next one starts', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...built.values()),
      fc.constantFrom(...granularities),
      fc.integer({ min: from, max: year(2035) }),
      (zone, granularity, instant) => {
        const start = startOfBucket(zone, granularity, instant)
        const next = nextBucket(zone, granularity, start)
        expect(start <= instant && instant < next).toBe(true)
        expect(startOfBucket(zone, granularity, start)).toBe(start)
        expect(startOfBucket(zone, granularity, next)).toBe(next)
        expect(startOfBucket(zone, granularity, next - 1)).toBe(start)
      },
    ),
    { numRuns: 2000 },
  )
})

test.each(['Mars/Olympus', '+01:00', '', 'UTC; DROP TABLE requests', 'Europe/Berlin '])(
  'rejects the time zone %o',
  (name) => {
    expect(() => buildZone(name)).toThrow(`timezone: '${name}' is not an IANA time zone`)
  },
)
