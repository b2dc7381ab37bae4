import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the service can do: so many requests at a time, each so many milliseconds; the rest wait in it without end. */
export type ServiceOrder = { readonly batchSize: number; readonly milliseconds: number }

// A service as many are: a pool of threads behind a queue that nobody bounded. It works also for clients that left.
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
