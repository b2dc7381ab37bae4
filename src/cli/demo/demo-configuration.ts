import { Problem } from '../../lib/problem.ts'
import { consumers, demoKey } from './callers.ts'
import { demoAccounts, demoObjects, type AdminCall } from './demo-objects.ts'

/** Where and as whom the demo's objects are made. */
export type DemoTarget = {
  readonly adminUrl: string
  readonly token: string
  /** The ports of the sample upstream. */
  readonly ports: readonly [number, number]
}

/** Makes or renews every object of the demo through the public Admin API; running it again changes only what moved. */
export async function applyDemo(target: DemoTarget): Promise<void> {
  await forgetTargets(target)
  for (const call of demoObjects(target.ports)) await callAdmin(target, call)
}

/** Consumer → key, for the traffic. */
export const demoKeys: Readonly<Record<string, string>> = Object.fromEntries(
  consumers.map(({ name }) => [name, demoKey(name)]),
)

/** What the demo prints: the sign-ins, and three lines to try with what they answer. */
export function describeDemo(proxyUrl: string): {
  readonly accounts: typeof demoAccounts
  readonly lines: readonly { readonly shows: string; readonly command: string }[]
} {
  const key = `-H 'apikey: ${demoKey('visitor')}'`
  return {
    accounts: demoAccounts,
    lines: [
      { shows: 'no key: 401', command: `curl -i ${proxyUrl}/orders` },
      { shows: 'with a key: 200', command: `curl -i ${key} ${proxyUrl}/orders` },
      {
        shows: 'over the limit of 10 a minute: 429',
        command: `curl -s -o /dev/null -w '%{http_code}\\n' ${key} '${proxyUrl}/orders?try=[1-12]'`,
      },
    ],
  }
}

/** Targets of an earlier run have other ports. */
async function forgetTargets(target: DemoTarget): Promise<void> {
  const path = '/ProductX/upstreams/orders.productx.demo/targets'
  const answer = await ask(target, 'GET', path)
  if (answer.status === 404) return
  const { data } = (await answer.json()) as { data: readonly { id: string; target: string }[] }
  const current = target.ports.map((port) => `127.0.0.1:${port}`)
  for (const { id } of data.filter((found) => !current.includes(found.target)))
    await ask(target, 'DELETE', `${path}/${id}`)
}

async function callAdmin(target: DemoTarget, call: AdminCall): Promise<void> {
  const answer = await ask(target, call.method, call.path, call.body)
  if (answer.ok || (call.method === 'POST' && answer.status === 409)) return
  const told = await answer.text()
  throw new Problem(
    'demo.refused',
    500,
    `The demo could not be set up: ${call.method} ${call.path} was answered ${answer.status} ${told}`,
  )
}

function ask(
  target: Pick<DemoTarget, 'adminUrl' | 'token'>,
  method: string,
  path: string,
  body?: AdminCall['body'],
): Promise<Response> {
  return fetch(`${target.adminUrl}${path}`, {
    method,
    headers: { 'kong-admin-token': target.token, 'content-type': 'application/json' },
    body: body === undefined ? null : JSON.stringify(body),
  })
}
