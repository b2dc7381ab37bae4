import { runToCompletion } from '../../src/lib/cooperative-task.ts'
import { openSpool } from '../../src/telemetry/open-spool.ts'
import { buildBlock } from '../../src/telemetry/segment/build-block.ts'
import { readSegment } from '../../src/telemetry/segment/read-segment.ts'
import { buildEvent } from '../harness/build-event.ts'
import { toRecord } from '../harness/event-record.ts'

// Started by src/telemetry/spool.test.ts with a limit on the size of files, which breaks off a write in its middle as a full disk does.
const spool = openSpool(process.argv[2] ?? '')
const written: string[] = []
let failures = 0
for (let index = 0; index < 16; index += 1) {
  const path = `${index}-${'x'.repeat(1_990)}`
  try {
    spool.append([toRecord(buildEvent({ path }))])
    written.push(path)
  } catch {
    failures += 1
  }
}
spool.rotate()
const segments = await Promise.all(spool.closed().map(({ batch }) => spool.read(batch)))
const sizes = segments.map(({ length }) => length)
const { texts, columns } = runToCompletion(buildBlock(segments.map(readSegment)))
const paths = columns.get('path')
const kept = paths?.kind === 'text' ? Array.from(paths.indexes, (index) => `${texts[index]}`) : []
process.stdout.write(
  JSON.stringify({
    failures,
    written: written.toSorted(),
    kept: kept.toSorted(),
    bytes: spool.bytes,
    size: sizes.reduce((sum, size) => sum + size, 0),
    invalid: segments.filter((one) => readSegment(one).validBytes !== one.length).length,
  }),
)
