import { rmSync } from 'node:fs'
import { applyDemo, demoAccounts, demoCommands, readDemoKeys } from './demo/apply-demo.ts'
import { spawnSampleUpstream } from './demo/spawn-sample-upstream.ts'
import { startTraffic } from './demo/traffic.ts'
import { temporaryData } from './environment.ts'
import { runNode } from './run-node.ts'

const [admin] = demoAccounts

/** Starts a node with sample services, configures it through its Admin API, and sends it traffic until Ctrl-C. Without a directory the data is temporary. */
export async function demoCommand(directory: string | undefined): Promise<void> {
  const data = directory ?? temporaryData()
  const overrides = {
    WEIR_DATA: data,
    WEIR_ADMIN_TOKEN: admin.token,
    WEIR_ADMIN_PASSWORD: admin.password,
  }
  if (directory === undefined)
    process.on('exit', () => rmSync(data, { recursive: true, force: true }))
  console.log('Starting Weir with sample services …')
  const ended = new AbortController()
  const upstream = await spawnSampleUpstream()
  const { addresses } = await runNode(overrides, async () => {
    ended.abort()
    await upstream.close()
  })
  const proxy = addresses.proxy.replace('0.0.0.0', '127.0.0.1')
  await applyDemo({ adminUrl: addresses.admin, ports: upstream.ports })
  void startTraffic({ proxyUrl: proxy, keys: readDemoKeys(), signal: ended.signal })
  console.log(welcome({ ...addresses, proxy }))
}

type Addresses = { readonly proxy: string; readonly admin: string; readonly manager: string }

function welcome(addresses: Addresses): string {
  const signIns = demoAccounts.map(({ name, password }) => `    ${name.padEnd(14)}${password}`)
  return [
    '',
    `  Manager    ${addresses.manager}   (live charts; sign in as one of these, or as several in separate windows)`,
    ...signIns,
    `  Proxy      ${addresses.proxy}`,
    `  Admin API  ${addresses.admin}   (Kong-Admin-Token: ${admin.token})`,
    '',
    '  Try:',
    ...demoCommands(addresses.proxy).flatMap(({ shows, command }) => [
      `    # ${shows}`,
      `    ${command}`,
    ]),
    '',
    '  Press Ctrl-C to stop everything.',
    '',
  ].join('\n')
}
