import { openSpool } from '../../src/telemetry/open-spool.ts'

// Started twice by src/telemetry/spool.test.ts: both take over the same spools at the same time.
const spool = openSpool(process.argv[2] ?? '')
process.send?.('ready')
process.once('message', () => {
  spool.adopt()
  process.send?.(
    spool.closed().map(({ batch }) => batch),
    () => process.disconnect(),
  )
})
