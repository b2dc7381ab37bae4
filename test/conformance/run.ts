import { parseArgs } from 'node:util'
import { openPlainGateway } from './open-plain-gateway.ts'
import { runAnswers } from './run-answers.ts'
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
const cases = {
  seed: Number(values.seed),
  from: Number(values.from),
  count: Number(values.cases),
  lanes: Math.min(Number(values.lanes), Number(values.cases)),
  onProgress(done: number) {
    if (done % 20_000 === 0) process.stdout.write(`${done} cases\n`)
  },
}

for (const run of [runStreams, runAnswers]) {
  const startedAt = performance.now()
  const { disagreements, ...counts } = await run(openPlainGateway, cases)
  for (const { index, words, bytes } of disagreements) {
    const short = bytes.replaceAll(/(.)\1{80,}/g, (same, one) => `${one}{${same.length}}`)
    process.stdout.write(`case ${index}: ${words}\n  ${short.slice(0, 1_500)}\n`)
  }
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  process.stdout.write(
    `${run.name}: ${JSON.stringify(counts)} in ${seconds} s, ${disagreements.length} disagreements\n`,
  )
  if (disagreements.length > 0) process.exitCode = 1
}
