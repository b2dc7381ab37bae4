import { expect, test } from 'vitest'
import { oddAnswers } from './odd-answers.ts'
import { openPlainGateway } from './open-plain-gateway.ts'
import { runAnswers } from './run-answers.ts'

test(
  'a client gets the response to its own request, complete or visibly broken, whatever the service sends',
  { timeout: 180_000 },
  async () => {
    const { disagreements, ...counts } = await runAnswers(openPlainGateway, {
      seed: 20_261,
      from: 0,
      count: 6_000,
      lanes: 12,
    })
    expect(disagreements).toEqual([])
    expect(counts.cases).toBe(6_000)
    // Every form was requested many times, and valid responses arrived.
    expect(counts.cases / oddAnswers.length).toBeGreaterThan(50)
    expect(counts.whole).toBeGreaterThan(1_500)
  },
)
