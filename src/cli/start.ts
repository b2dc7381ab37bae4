import { runNode } from './run-node.ts'

/** Starts a node and says where it is. */
export async function startCommand(data: string | undefined): Promise<void> {
  const { settings, addresses } = await runNode({ WEIR_DATA: data })
  const { proxy, proxySsl, admin, manager, setup } = addresses
  console.log(`Weir ${settings.version} is running; its data is in ${settings.data}.

  Proxy      ${proxy}${proxySsl === undefined ? '' : `\n  Proxy TLS  ${proxySsl}`}
  Admin API  ${admin}
  Manager    ${manager}
${setup === undefined ? '' : `\nMake the first administrator here (this link works once):\n  ${manager}${setup}\n`}`)
}
