import { rmSync } from 'node:fs'
import { applyDemo, demoKeys, describeDemo } from './demo/demo-configuration.ts'
import { spawnSampleUpstream } from './demo/spawn-sample-upstream.ts'
import { startTraffic } from './demo/traffic.ts'
import { runNode } from './run-node.ts'
import { temporaryData } from './settings.ts'

/** Starts a node with sample services, configures it through its own Admin API, and sends it traffic until Ctrl-C. Without a directory nothing is kept. */
export async function demoCommand(directory: string | undefined): Promise<void> {
  const data = directory ?? temporaryData()
  const [admin] = describeDemo('').accounts
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
  await applyDemo({ adminUrl: addresses.admin, token: admin.token, ports: upstream.ports })
  void startTraffic({ proxyUrl: proxy, keys: demoKeys, signal: ended.signal })
  console.log(welcome({ ...addresses, proxy }))
}

function welcome({
  proxy,
  admin,
  manager,
}: {
  proxy: string
  admin: string
  manager: string
}): string {
  const { accounts, lines } = describeDemo(proxy)
  const signIns = accounts.map(({ name, password }) => `    ${name.padEnd(14)}${password}`)
  return [
    '',
    `  Manager    ${manager}   (live charts; sign in with one of these, or with both in two windows)`,
    ...signIns,
    `  Proxy      ${proxy}`,
    `  Admin API  ${admin}   (Kong-Admin-Token: ${accounts[0].token})`,
    '',
    '  Try:',
    ...lines.flatMap(({ shows, command }) => [`    # ${shows}`, `    ${command}`]),
    '',
    '  Ctrl-C ends everything.',
    '',
  ].join('\n')
}
