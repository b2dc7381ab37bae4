import { lendCounters } from '../cluster/inherit-counters.ts'
import type { Log } from '../lib/log.ts'
import { Problem } from '../lib/problem.ts'
import { handoverForm, type LauncherLine, type ToElder, type ToHeir } from './handover.ts'
import type { SupervisedNode } from './supervise-node.ts'

/** What a supervisor hears of its heir, and what it gives. */
export type Handover = {
  /** Takes a message of the heir. */
  receive(message: ToElder): void
  /** The heir is gone. */
  fail(why: string): void
  /** Resolves once the node is the heir's, and the workers here are gone; rejects when it stays here. */
  readonly done: Promise<void>
}

/** How long an heir may take for each step. */
const patience = 60_000

/** Hands a node over to an heir in steps that can be taken back until both its workers and its control plane serve: sockets, control plane, workers, counts. Nothing is done twice at a time but accepting connections. */
export function handOver(node: SupervisedNode, line: LauncherLine, log: Log): Handover {
  const tell = (message: ToHeir, handle?: object) => line.send({ type: 'tell', message }, handle)
  const steps = openSteps()
  const loans = lendCounters(
    node.bank,
    (worker, message, done) => void tell({ type: 'told', worker, message, done }),
  )
  node.lend(loans.knows, loans.tell)

  const walk = async (): Promise<void> => {
    const { sockets, addresses } = node.estate()
    if (addresses === undefined)
      throw new Problem('upgrade.early', 409, 'the control plane does not serve yet')
    for (const [key, { handle, port }] of sockets) void tell({ type: 'socket', key, port }, handle)
    void tell({ type: 'estate', form: handoverForm, addresses })
    await steps.reached('workers-serve')
    await node.stopControl()
    void tell({ type: 'control-is-free' })
    await steps.reached('control-serves')
  }
  const finish = async (): Promise<void> => {
    await node.stopWorkers()
    while (!node.bank.isQuiet) await new Promise((resolve) => setTimeout(resolve, 5))
    await tell({ type: 'ledger', ...loans.close() })
  }
  const takeBack = (error: unknown): never => {
    loans.abandon()
    node.startControl()
    log.error('the new program did not come up; this one goes on', { error: String(error) })
    throw error
  }
  return {
    receive(message) {
      if (message.type === 'errand') loans.run(message.errand)
      else steps.reach(message.type)
    },
    fail: steps.fail,
    done: walk().catch(takeBack).then(finish),
  }
}

/** Steps of the heir that can be awaited, each for a while. */
function openSteps() {
  const reached = new Set<string>()
  let waiting: { step: string; resolve: () => void; reject: (error: Error) => void } | undefined
  let failure: Problem | undefined
  return {
    reach(step: string): void {
      reached.add(step)
      if (waiting?.step === step) waiting.resolve()
    },
    fail(this: void, why: string): void {
      failure ??= new Problem('upgrade.failed', 500, why)
      waiting?.reject(failure)
    },
    async reached(step: ToElder['type']): Promise<void> {
      if (failure !== undefined) throw failure
      if (reached.has(step)) return
      const timer = setTimeout(() => this.fail(`it took too long until its ${step}`), patience)
      await new Promise<void>((resolve, reject) => (waiting = { step, resolve, reject })).finally(
        () => clearTimeout(timer),
      )
    },
  }
}
