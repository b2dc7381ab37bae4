import { openPredecessorCounters } from '../cluster/counter-upgrade.ts'
import type { Log } from '../lib/log.ts'
import { Problem } from '../lib/problem.ts'
import type { LauncherChannel, ToPredecessor, ToSuccessor } from './messages.ts'
import type { NodeProcesses } from './node-processes.ts'

/** The predecessor's side of an upgrade. */
export type PredecessorUpgrade = {
  /** Handles a message of the successor. */
  receive(message: ToPredecessor): void
  /** The successor has ended. */
  fail(reason: string): void
  /** Whether it has. */
  isAlone(): boolean
  /** Resolves once the successor serves alone and the workers here have stopped; rejects when this supervisor continues to serve. */
  readonly done: Promise<void>
}

/** Milliseconds for each step of a successor that hangs; one that exits is noticed at once. A control plane may take minutes to migrate a large store. */
const stepTimeout = 300_000

/** Moves a node to a successor: sockets, control plane, workers, counters. Until both the workers and the control plane of the successor serve, every step can be undone. Only accepting connections happens on both sides at once. */
export function upgradeToSuccessor(
  node: NodeProcesses,
  launcher: LauncherChannel,
  log: Log,
): PredecessorUpgrade {
  const send = (message: ToSuccessor, handle?: object) =>
    launcher.send({ type: 'relay', message }, handle)
  const steps = openSteps()
  let isAlone = false
  const counters = openPredecessorCounters(
    node.counters,
    (worker, message, handled) => void send({ type: 'counter-message', worker, message, handled }),
  )
  node.shareCounters(counters)

  const start = async (): Promise<void> => {
    const { sockets, addresses } = node.state()
    if (addresses === undefined && node.hasControl)
      throw new Problem('upgrade.early', 409, 'The control plane is not ready yet')
    for (const [key, { handle, port }] of sockets) void send({ type: 'socket', key, port }, handle)
    void send({ type: 'state', addresses })
    await steps.reached('workers-ready')
    await node.stopControl()
    steps.check()
    void send({ type: 'control-stopped' })
    await steps.reached('control-ready')
  }
  const finish = async (): Promise<void> => {
    await node.stopWorkers()
    while (!node.counters.isIdle) await new Promise((resolve) => setTimeout(resolve, 5))
    await send({ type: 'counters', ...counters.close(), values: node.values.rows() })
  }
  const undo = (error: unknown): never => {
    counters.abandon()
    node.startControl()
    log.error('upgrade: new program failed to start, the current one continues', { error })
    throw error
  }
  return {
    receive(message) {
      if (message.type === 'counter-request') counters.handle(message.request)
      else steps.reach(message.type)
    },
    fail(reason) {
      isAlone = true
      steps.fail(reason)
    },
    isAlone: () => isAlone,
    done: start().catch(undo).then(finish),
  }
}

/** Steps of the successor that can be awaited. */
function openSteps() {
  const reached = new Set<string>()
  let waiting: { step: string; resolve: () => void; reject: (error: Error) => void } | undefined
  let failure: Problem | undefined
  return {
    reach(step: string): void {
      reached.add(step)
      if (waiting?.step === step) waiting.resolve()
    },
    fail(this: void, reason: string): void {
      failure ??= new Problem('upgrade.failed', 500, reason)
      waiting?.reject(failure)
    },
    /** Throws if the successor has failed. */
    check(): void {
      if (failure !== undefined) throw failure
    },
    async reached(step: ToPredecessor['type']): Promise<void> {
      this.check()
      if (reached.has(step)) return
      const timer = setTimeout(
        () => this.fail(`The new program did not reach ${step} within ${stepTimeout / 1_000} s`),
        stepTimeout,
      )
      await new Promise<void>((resolve, reject) => (waiting = { step, resolve, reject })).finally(
        () => clearTimeout(timer),
      )
    },
  }
}
