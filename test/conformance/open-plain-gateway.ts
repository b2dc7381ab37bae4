import { openGateway } from '../harness/open-gateway.ts'
import type { OpenedGateway } from './run-streams.ts'

/** A gateway that forwards everything to one upstream, and drops its events to bound memory in a long run. */
export async function openPlainGateway(upstream: number): Promise<OpenedGateway> {
  let stop: () => Promise<void> = () => Promise.resolve()
  const service = { name: 'all', host: '127.0.0.1', port: upstream, retries: 0 }
  const route = {
    name: 'all',
    paths: ['/'],
    service: 'all',
    strip_path: false,
    preserve_host: false,
  }
  const gateway = await openGateway(
    { services: [service], routes: [route] },
    { onFinished: (close) => (stop = close) },
  )
  const forgetting = setInterval(() => (gateway.events.length = 0), 500)
  return {
    port: gateway.port,
    async close() {
      clearInterval(forgetting)
      await stop()
    },
  }
}
