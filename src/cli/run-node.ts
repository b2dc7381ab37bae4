import { join } from 'node:path'
import { openLog } from '../lib/log.ts'
import type { PlaneSettings } from '../planes/plane-settings.ts'
import { launchNode } from '../supervisor/launcher.ts'
import { lockDataDirectory } from '../supervisor/lock-data-directory.ts'
import type { PlaneAddresses } from '../supervisor/messages.ts'
import { readSettingsApart } from './read-settings-apart.ts'

/** A node that runs until a signal stops it. */
export type RunningNode<Addresses> = {
  readonly settings: PlaneSettings
  readonly addresses: Addresses
  stop(): Promise<void>
}

/** Listening addresses of a node with both planes. */
export type NodeAddresses = NonNullable<PlaneAddresses['control']> &
  NonNullable<PlaneAddresses['gateway']>

type Overrides = Readonly<Record<string, string | undefined>>

/** Starts both planes; see `runPlanes`. */
export async function runNode(
  overrides: Overrides,
  beforeStop?: () => void | Promise<void>,
): Promise<RunningNode<NodeAddresses>> {
  const { addresses, ...node } = await runPlanes({ ...overrides, WEIR_PLANE: '' }, beforeStop)
  return { ...node, addresses: { ...addresses.control, ...addresses.gateway } as NodeAddresses }
}

/** Starts the planes that the settings name. SIGHUP replaces the workers, SIGUSR2 upgrades everything to the program on disk; SIGINT and SIGTERM stop gracefully, after `beforeStop`, and the second one of these at once. */
export async function runPlanes(
  overrides: Overrides,
  beforeStop: () => void | Promise<void> = () => undefined,
): Promise<RunningNode<PlaneAddresses>> {
  const settings = await readSettingsApart(overrides)
  const unlock = lockDataDirectory(settings.data)
  const log = openLog('weir')
  const node = launchNode({
    module: join(import.meta.dirname, 'supervisor-process.ts'),
    overrides,
    settings,
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
    void node.lost.then((reason) => {
      if (stopping !== undefined) return
      log.error('launcher: node exited unexpectedly', { reason })
      process.exit(1)
    })
    return { settings, addresses, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
