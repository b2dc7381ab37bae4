import { join } from 'node:path'
import { openLog } from '../lib/log.ts'
import { keepSupervisor } from '../planes/keep-supervisor.ts'
import { lockData } from '../planes/lock-data.ts'
import type { NodeAddresses } from '../planes/node-addresses.ts'
import type { PlaneSettings } from '../planes/plane-settings.ts'
import { readSettings } from './settings.ts'

/** A node that runs until a signal ends it. */
export type RunningNode = {
  readonly settings: PlaneSettings
  readonly addresses: NodeAddresses
  stop(): Promise<void>
}

/** Starts a node, reloads its workers at SIGHUP, upgrades all of it to the program on disk at SIGUSR2, and stops it in order at SIGINT and SIGTERM, after `beforeStop`; at the second of these it ends at once, and its children with it. */
export async function runNode(
  overrides: Readonly<Record<string, string | undefined>>,
  beforeStop: () => void | Promise<void> = () => undefined,
): Promise<RunningNode> {
  const settings = readSettings(overrides)
  const unlock = lockData(settings.data)
  const log = openLog('weir')
  const node = keepSupervisor({
    module: join(import.meta.dirname, 'supervisor-process.ts'),
    overrides,
    log,
  })
  let stopping: Promise<void> | undefined
  const stop = (): Promise<void> => {
    if (stopping !== undefined) void node.stop()
    return (stopping ??= Promise.resolve(beforeStop())
      .then(() => node.stop())
      .then(unlock))
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (stopping !== undefined) process.exit(1)
      void stop().then(() => process.exit(0))
    })
  }
  process.on('SIGHUP', () => node.reload())
  process.on('SIGUSR2', () => node.upgrade())
  try {
    const addresses = await node.ready
    void node.lost.then((why) => {
      if (stopping !== undefined) return
      log.error('the node ended, and so does this process', { why })
      process.exit(1)
    })
    return { settings, addresses, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
