import { join } from 'node:path'
import { openLog } from '../lib/log.ts'
import type { PlaneSettings } from '../planes/plane-settings.ts'
import { superviseNode, type NodeAddresses } from '../planes/supervise-node.ts'

/** A node that runs until a signal ends it. */
export type RunningNode = {
  readonly addresses: NodeAddresses
  stop(): Promise<void>
}

/** Starts a node, reloads it at SIGHUP, and stops it in order at SIGINT and SIGTERM, after `beforeStop`; at the second of these it ends at once, and its children with it. */
export async function runNode(
  settings: PlaneSettings,
  beforeStop: () => void | Promise<void> = () => undefined,
): Promise<RunningNode> {
  const log = openLog('supervisor')
  const node = superviseNode({
    settings,
    childModule: join(import.meta.dirname, 'plane-process.ts'),
    log,
  })
  let stopping: Promise<void> | undefined
  const stop = (): Promise<void> =>
    (stopping ??= Promise.resolve(beforeStop()).then(() => node.stop()))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stopping !== undefined) process.exit(1)
      void stop().then(() => process.exit(0))
    })
  }
  process.on('SIGHUP', () => void node.reload())
  try {
    return { addresses: await node.ready, stop }
  } catch (error) {
    await node.stop()
    throw error
  }
}
