import type { Log } from '../lib/log.ts'
import type { LogThreshold } from '../lib/log-threshold.ts'
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

export type SupervisorStart = {
  readonly settings: PlaneSettings
  /** The module that children run. */
  readonly childModule: string
  /** A successor takes over a running node instead of starting one. */
  readonly role: 'first' | 'successor'
  readonly launcher: LauncherChannel
  readonly log: Log
  /** Of `log`. */
  readonly threshold: LogThreshold
}

/**
 * Runs a supervisor until the launcher stops it or a successor has taken over; when the node cannot start, reports that
 * and stops everything that was started. A stop wins in every state: it is remembered before anything else is awaited,
 * nothing is started after it, and it ends this supervisor in any state.
 */
export async function runSupervisor(start: SupervisorStart): Promise<void> {
  const { settings, childModule, role, launcher, log, threshold } = start
  const ended = Promise.withResolvers<void>()
  const inheritance = role === 'successor' ? inheritState(launcher, settings.version) : undefined
  let node: NodeProcesses | undefined
  let upgrade: PredecessorUpgrade | undefined
  let stopping: Promise<void> | undefined

  const stopNode = async (): Promise<void> => {
    try {
      await node?.stop()
    } catch (error) {
      log.error('supervisor: graceful stop failed', { error })
    }
    ended.resolve()
  }
  const stop = (): Promise<void> => (stopping ??= stopNode())
  const dismiss = (reason: string): void => void launcher.send({ type: 'dismiss', reason })

  const meetSuccessor = async (protocol: number): Promise<void> => {
    // A successor may follow one that has just ended, whose upgrade is being undone; its error is reported below.
    while (upgrade !== undefined) await upgrade.done.catch(() => undefined)
    if (stopping !== undefined) return dismiss('the node is stopping')
    if (node === undefined || protocol !== upgradeProtocol)
      return dismiss('this version cannot be upgraded to the new one without a restart')
    const current = upgradeToSuccessor(node, launcher, log)
    upgrade = current
    current.done.then(stop, (error: unknown) => {
      upgrade = undefined
      if (!current.isAlone()) dismiss(String(error))
    })
  }
  const receive = (message: ToPredecessor | ToSuccessor, handle: object | undefined): void => {
    if (message.type === 'successor') void meetSuccessor(message.protocol)
    else if (upgrade === undefined) inheritance?.receive(message as ToSuccessor, handle)
    else upgrade.receive(message as ToPredecessor)
  }
  const beAlone = (reason: string): void => {
    inheritance?.close()
    if (stopping === undefined) upgrade?.fail(reason)
  }
  launcher.onMessage((message, handle) => {
    if (message.type === 'relayed') return receive(message.message, handle)
    if (message.type === 'stop') return void (stopping === undefined ? stop() : node?.hurry())
    if (message.type === 'alone') return beAlone(message.reason)
    if (stopping !== undefined) return
    if (message.type === 'reload' && upgrade === undefined) void node?.reload()
  })

  const serve = async (): Promise<void> => {
    const inherited = await inheritance?.state
    if (stopping !== undefined) return
    node = startNodeProcesses({ settings, childModule, log, threshold, inherited })
    if (inheritance !== undefined) await takeOver(node, inheritance, launcher)
    const addresses = await node.ready
    await launcher.send({ type: 'serving', addresses, version: settings.version })
  }
  const failToServe = async (error: unknown): Promise<void> => {
    if (stopping !== undefined) return
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
