import { openSpool } from '../../src/telemetry/open-spool.ts'

// Started by src/telemetry/spool.test.ts with a limit on the size of files, which breaks off a write in its middle as a full disk does.
const spool = openSpool(process.argv[2] ?? '')
const line = `${'x'.repeat(1_999)}\n`
let failures = 0
for (let index = 0; index < 8; index += 1) {
  try {
    spool.append(line)
  } catch {
    failures += 1
  }
}
spool.append('last\n')
spool.rotate()
const [batch = ''] = spool.closed()
const written = String(await spool.read(batch))
process.stdout.write(JSON.stringify({ failures, bytes: spool.bytes, lines: written.split('\n') }))
