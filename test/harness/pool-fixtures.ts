import type { TestGateway } from './open-gateway.ts'
import { startUpstream } from './start-upstream.ts'

type Target = { target: string; weight: number; failover?: boolean }

/** A snapshot with one route to one upstream. */
export const poolSnapshot = (
  targets: readonly Target[],
  upstream: object = {},
  service: object = {},
) => ({
  upstreams: [{ name: 'pool', targets, ...upstream }],
  services: [{ name: 'pooled', host: 'pool', ...service }],
  routes: [{ paths: ['/'], service: 'pooled' }],
})

/** A target that answers with its name, with a configurable status. */
export async function startTarget(name: string) {
  const behavior = { status: 200, calls: 0 }
  const { port, server } = await startUpstream((_request, response) => {
    behavior.calls += 1
    response.writeHead(behavior.status).end(name)
  })
  return {
    name,
    behavior,
    server,
    port,
    at: (weight: number) => ({ target: `127.0.0.1:${port}`, weight }),
  }
}

/** The targets that answered `count` sequential requests. */
export async function countAnswers(gateway: TestGateway, count: number, init?: RequestInit) {
  const answers: string[] = []
  for (let request = 0; request < count; request += 1)
    answers.push(await (await gateway.ask('/', init)).text())
  return (name: string): number => answers.filter((answer) => answer === name).length
}
