import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Capacity: concurrent requests and milliseconds per request; further requests queue without a bound. */
export type ServiceOrder = { readonly batchSize: number; readonly milliseconds: number }

// A typical service: a thread pool behind an unbounded queue. It also processes requests whose clients have left.
process.once('message', ({ batchSize, milliseconds }: ServiceOrder) => {
  const queue: ServerResponse[] = []
  let working = 0
  const work = (): void => {
    while (working < batchSize) {
      const response = queue.shift()
      if (response === undefined) return
      working += 1
      setTimeout(() => {
        working -= 1
        response.end('ok')
        work()
      }, milliseconds)
    }
  }
  const server = createServer((_request, response) => {
    if (milliseconds === 0) return void response.end('ok')
    queue.push(response)
    work()
  })
  server.keepAliveTimeout = 600_000
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
  process.once('disconnect', () => process.exit())
})
