import { rmSync } from 'node:fs'
import { applyDemo, demoAccounts, demoCommands, readDemoKeys } from './demo/apply-demo.ts'
import { demoClients, demoPeople, demoProviderSettings } from './demo/demo-people.ts'
import { spawnDemoProvider } from './demo/spawn-demo-provider.ts'
import { spawnSampleUpstream } from './demo/spawn-sample-upstream.ts'
import { startTraffic } from './demo/traffic.ts'
import { temporaryData } from './environment.ts'
import { runNode } from './run-node.ts'

const [admin] = demoAccounts

/** Starts a node with sample services, configures it through its Admin API, and sends it traffic until Ctrl-C. Without a directory the data is temporary. */
export async function demoCommand(directory: string | undefined): Promise<void> {
  const data = directory ?? temporaryData()
  if (directory === undefined)
    process.on('exit', () => rmSync(data, { recursive: true, force: true }))
  console.log('Starting Weir with sample services …')
  const ended = new AbortController()
  const [upstream, provider] = await Promise.all([spawnSampleUpstream(), spawnDemoProvider()])
  const overrides = {
    WEIR_DATA: data,
    WEIR_ADMIN_TOKEN: admin.token,
    WEIR_ADMIN_PASSWORD: admin.password,
    ...demoProviderSettings(provider.issuer),
  }
  const { addresses } = await runNode(overrides, async () => {
    ended.abort()
    await Promise.all([upstream.close(), provider.close()])
  })
  const proxy = addresses.proxy.replace('0.0.0.0', '127.0.0.1')
  await provider.open(demoClients({ manager: addresses.manager, proxy }))
  await applyDemo({
    adminUrl: addresses.admin,
    ports: upstream.ports,
    issuer: provider.issuer,
    proxy,
  })
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
    '  or with the demo provider, as one of these:',
    ...demoPeople.map(({ name, password }) => `    ${name.padEnd(14)}${password}`),
    `  Proxy      ${addresses.proxy}`,
    `  Profile    ${addresses.proxy}/profile   (open it in a browser: anna and ben reach the service, carla is forbidden; ${addresses.proxy}/profile/logout signs out)`,
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
