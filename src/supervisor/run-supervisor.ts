import type { Log } from '../lib/log.ts'
import type { PlaneSettings } from '../planes/plane-settings.ts'
import {
  upgradeProtocol,
  type LauncherChannel,
  type ToPredecessor,
  type ToSuccessor,
} from './messages.ts'
import { startNodeProcesses, type NodeProcesses } from './node-processes.ts'
import { upgradeToSuccessor, type PredecessorUpgrade } from './upgrade-predecessor.ts'
import { inheritState, type SuccessorUpgrade } from './upgrade-successor.ts'

/** What a supervisor is run with. */
export type SupervisorStart = {
  readonly settings: PlaneSettings
  /** The module that children run. */
  readonly childModule: string
  /** A successor takes over a running node instead of starting one. */
  readonly role: 'first' | 'successor'
  readonly launcher: LauncherChannel
  readonly log: Log
}

/** Runs a supervisor until the launcher stops it or a successor has taken over; when the node cannot start, reports that and stops everything that was started. */
export async function runSupervisor(start: SupervisorStart): Promise<void> {
  const { settings, childModule, role, launcher, log } = start
  const ended = Promise.withResolvers<void>()
  const inheritance = role === 'successor' ? inheritState(launcher, settings.version) : undefined
  let node: NodeProcesses | undefined
  let upgrade: PredecessorUpgrade | undefined
  let isStopping = false

  const stop = async (): Promise<void> => {
    if (isStopping) return node?.hurry()
    isStopping = true
    await node?.stop()
    ended.resolve()
  }
  const meetSuccessor = (protocol: number): void => {
    if (node === undefined || protocol !== upgradeProtocol) {
      const reason = 'this version cannot be upgraded to the new one without a restart'
      return void launcher.send({ type: 'dismiss', reason })
    }
    upgrade = upgradeToSuccessor(node, launcher, log)
    upgrade.done.then(
      () => ended.resolve(),
      (error: unknown) => {
        upgrade = undefined
        void launcher.send({ type: 'dismiss', reason: String(error) })
      },
    )
  }
  launcher.onMessage((message, handle) => {
    if (message.type === 'stop') void stop()
    else if (message.type === 'reload' && upgrade === undefined) void node?.reload()
    else if (message.type === 'alone') {
      upgrade?.fail(message.reason)
      inheritance?.close()
    } else if (message.type === 'relayed') {
      if (message.message.type === 'successor') meetSuccessor(message.message.protocol)
      else if (upgrade === undefined) inheritance?.receive(message.message as ToSuccessor, handle)
      else upgrade.receive(message.message as ToPredecessor)
    }
  })

  const serve = async (): Promise<void> => {
    const inherited = await inheritance?.state
    node = startNodeProcesses({ settings, childModule, log, inherited })
    if (inheritance !== undefined) await takeOver(node, inheritance, launcher)
    const addresses = await node.ready
    await launcher.send({ type: 'serving', addresses, version: settings.version })
  }
  const failToServe = async (error: unknown): Promise<void> => {
    if (isStopping) return
    await launcher.send({ type: 'failed', message: messageOf(error) })
    await stop()
  }
  // A node that is stopped before it is ready never becomes ready.
  void serve().catch(failToServe)
  await ended.promise
}

async function takeOver(
  node: NodeProcesses,
  inheritance: SuccessorUpgrade,
  launcher: LauncherChannel,
): Promise<void> {
  await node.workersReady
  await launcher.send({ type: 'relay', message: { type: 'workers-ready' } })
  await inheritance.controlStopped
  node.startControl()
  await node.ready
  await launcher.send({ type: 'relay', message: { type: 'control-ready' } })
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error)
