import { readFileSync } from 'node:fs'
import net from 'node:net'
import { silentLog } from '../../src/lib/log.ts'
import { sendTo, superviseProcess } from '../../src/supervisor/supervised-process.ts'

// Run as a process: supervises a child that exits between two sockets that are sent to it, stops it, and prints "stopped".

const server = net.createServer()
await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
const handle = (server as unknown as { _handle: object })._handle
const isZombie = (pid: number): boolean =>
  /^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))

const supervised = superviseProcess({
  name: 'child',
  module: `${import.meta.dirname}/exit-at-message-child.ts`,
  introduce(child) {
    for (let sent = 0; sent < 2; sent += 1)
      sendTo(child, { type: 'socket', duty: 'secure' }, handle)
    // Nothing is read until the process is gone: its acknowledgement of the first socket and its exit arrive together,
    // the second socket is never acknowledged, and Node emits no `disconnect`.
    while (!isZombie(child.pid ?? 0));
  },
  onMessage: () => undefined,
  ready: 'gateway-ready',
  stopTimeout: 60_000,
  log: silentLog,
})
// Without it the process would end with nothing left to do, instead of waiting for ever as a supervisor does.
const waiting = setInterval(() => undefined, 60_000)
await supervised.stop(60_000)
clearInterval(waiting)
server.close()
process.stdout.write('stopped\n')
