import { openUnrecordedCounts } from '../../src/telemetry/unrecorded/open-counts.ts'

// Started by src/telemetry/unrecorded/counts.test.ts, which kills it.
const counts = openUnrecordedCounts(process.argv[2] ?? '')
for (let counted = 1; ; counted += 1) {
  counts.add('w', 'shed', 1)
  if (counted % 20 !== 0) continue
  process.send?.(counted)
  await new Promise(setImmediate)
}
