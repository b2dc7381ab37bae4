import { expect, test } from 'vitest'
import { openPlainGateway } from './open-plain-gateway.ts'
import { runStreams } from './run-streams.ts'

test(
  'agrees with Node’s strict parser on the boundaries of every request in a stream',
  { timeout: 180_000 },
  async () => {
    const { disagreements, ...counts } = await runStreams(openPlainGateway, {
      seed: 20_260,
      from: 0,
      count: 8_000,
      lanes: 8,
    })
    expect(disagreements).toEqual([])
    expect(counts.cases).toBe(8_000)
    // The run is meaningful only with many accepted and many rejected streams.
    expect(counts.forwarded).toBeGreaterThan(8_000)
    expect(counts.refused).toBeGreaterThan(1_500)
  },
)
