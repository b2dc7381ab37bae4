import { readSettings } from '../../src/cli/settings.ts'
import { silentLog } from '../../src/lib/log.ts'
import { openLogThreshold } from '../../src/lib/log-threshold.ts'
import { startControlPlane } from '../../src/planes/control-plane.ts'
import { answerReads } from './watch-holds.ts'

// A control plane alone in its process, whose event loop is watched.
answerReads()
await startControlPlane({
  settings: readSettings(),
  supervisor: {
    send(message) {
      if (message.type === 'control-ready') process.send?.({ ready: message.addresses.admin })
    },
    onMessage: () => undefined,
  },
  log: silentLog,
  threshold: openLogThreshold(),
})
