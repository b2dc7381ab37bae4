import { parseArgs } from 'node:util'
import { openPlainGateway } from './open-plain-gateway.ts'
import { runStreams } from './run-streams.ts'

// A long run by hand: node test/conformance/run.ts --cases 1000000 --seed 7, and --from N --cases 1 for one case again.
const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    from: { type: 'string', default: '0' },
    lanes: { type: 'string', default: '16' },
  },
})
const count = Number(values.cases)
const startedAt = performance.now()
const findings = await runStreams(openPlainGateway, {
  seed: Number(values.seed),
  from: Number(values.from),
  count,
  lanes: Math.min(Number(values.lanes), count),
  onProgress(done) {
    if (done % 20_000 === 0) process.stdout.write(`${done} cases\n`)
  },
})
const { disagreements, ...counts } = findings
for (const { index, words, bytes } of disagreements)
  process.stdout.write(
    `case ${index}: ${words}\n  ${bytes.replaceAll(/(.)\1{80,}/g, (run, one) => `${one}{${run.length}}`).slice(0, 1_500)}\n`,
  )
const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
process.stdout.write(
  `requests: ${JSON.stringify(counts)} in ${seconds} s, ${disagreements.length} disagreements\n`,
)
process.exitCode = disagreements.length > 0 ? 1 : 0
