import type { ChildProcess } from 'node:child_process'
import type { CountAnswer, Recall } from '../cluster/ask-counters.ts'
import { openCounterBank, type BankOptions, type CounterBank } from '../cluster/share-counters.ts'
import { systemClock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { Problem } from '../lib/problem.ts'
import { bindProxySockets, type ProxySockets } from './bind-proxy-sockets.ts'
import { keepChild, tell, type ChildOptions, type KeptChild } from './keep-child.ts'
import type { ListeningSocket } from './listening-socket.ts'
import type { ControlAddresses, LentDuty } from './messages.ts'
import type { NodeAddresses } from './node-addresses.ts'
import type { ListenAddress, PlaneSettings } from './plane-settings.ts'
import { workerFlags } from './worker-flags.ts'

/** A node under supervision: a control plane, gateway workers, and the counts that they share. */
export type SupervisedNode = {
  /** Resolves when everything listens; rejects when something cannot start for a reason that trying again will not mend. */
  readonly ready: Promise<NodeAddresses>
  /** Resolves when all gateway workers serve. */
  readonly workersReady: Promise<void>
  readonly bank: CounterBank
  /** Says where what the bank tells workers that are not of this node goes. */
  lend(knows: (worker: number) => boolean, tellOther: TellWorker): void
  /** Every listening socket by its key, and where the control plane is. */
  estate(): {
    readonly sockets: ReadonlyMap<string, ListeningSocket>
    readonly addresses: ControlAddresses | undefined
  }
  startControl(): void
  stopControl(): Promise<void>
  /** Lets the workers finish their exchanges, and ends them. */
  stopWorkers(): Promise<void>
  /** Replaces the gateway workers one after the other by fresh ones; no request is dropped. */
  reload(): Promise<void>
  /** Lets exchanges finish, ships what is in the spools, and ends all. */
  stop(): Promise<void>
  /** Waits for nobody any more where it stops. */
  hurry(): void
}

type TellWorker = (worker: number, message: CountAnswer | Recall) => void

/** What an heir starts with instead of nothing. */
export type Estate = {
  readonly sockets: ReadonlyMap<string, ListeningSocket>
  readonly addresses: ControlAddresses
  readonly openBank: (options: BankOptions) => CounterBank
}

/** What a node is supervised with. */
export type SupervisionOptions = {
  readonly settings: PlaneSettings
  /** Module that a child runs. */
  readonly childModule: string
  readonly log: Log
  /** What the supervisor before hands over; its control plane has to end before one starts here. */
  readonly estate?: Estate | undefined
}

/** Milliseconds that a child has, beside the time for exchanges, to ship what it recorded and to end. */
const endingTime = 5_000

/** Starts the workers of a node, and unless it is an heir its control plane, and starts again what dies. The shared counts live here, in the process that does nothing else and therefore outlives the others. */
export function superviseNode(options: SupervisionOptions): SupervisedNode {
  const { settings, childModule, log, estate } = options
  const proxySockets = bindProxySockets(settings, estate?.sockets)
  const readiness = openReadiness(settings.workers, proxySockets.listening)
  const { bank, holderOf, lend } = openBank(estate)
  const sweeping = setInterval(() => bank.sweep(), 10_000)
  const patience = settings.drainSeconds * 1_000 + endingTime
  const onEarlyEnd = (name: string): void => {
    if (estate !== undefined) readiness.failed(`the ${name} ended before it served`)
  }
  const kept = { module: childModule, patience, log, onEarlyEnd }
  const control = openControl(settings, estate?.addresses, {
    kept,
    readiness,
    onReady(addresses) {
      for (const worker of workers) worker.send(introduction(addresses))
    },
  })
  let workers: readonly KeptChild[] = []
  if (estate === undefined) control.start()
  const addresses = control.addresses
  workers = keepWorkers(settings, proxySockets, { kept, readiness, bank, holderOf, addresses })
  const stopWorkers = async (): Promise<void> => {
    await Promise.all(workers.map((worker) => worker.stop(patience)))
  }

  return {
    ready: readiness.promise,
    workersReady: readiness.workers,
    bank,
    lend,
    estate: () => ({ sockets: proxySockets.byKey, addresses: control.addresses() }),
    startControl: () => control.start(),
    stopControl: () => control.stop(),
    stopWorkers,
    async reload() {
      for (const worker of workers) await worker.replace()
    },
    async stop() {
      control.forbid()
      clearInterval(sweeping)
      // Nobody accepts any more: clients are better refused than left waiting.
      for (const socket of proxySockets.byKey.values()) socket.close()
      await stopWorkers()
      await control.stop()
    },
    hurry() {
      for (const worker of workers) worker.send({ type: 'stop' })
    },
  }
}

type Kept = Pick<ChildOptions, 'module' | 'patience' | 'log' | 'onEarlyEnd'>
type Readiness = ReturnType<typeof openReadiness>

type ControlParts = {
  readonly kept: Kept
  readonly readiness: Readiness
  readonly onReady: (addresses: ControlAddresses) => void
}

/** The control plane of a node, which may be started, stopped, and started again where it was. */
function openControl(
  settings: PlaneSettings,
  known: ControlAddresses | undefined,
  { kept, readiness, onReady }: ControlParts,
) {
  let addresses = known
  let child: KeptChild | undefined
  let isForbidden = false
  return {
    addresses: () => addresses,
    start(): void {
      if (child !== undefined || isForbidden) return
      child = keepChild({
        ...kept,
        name: 'control plane',
        ready: 'control-ready',
        introduce: (fresh) =>
          tell(fresh, {
            type: 'start',
            plane: 'control',
            settings: keepPorts(settings, addresses),
          }),
        onMessage(message) {
          if (message.type === 'failed') readiness.failed(message.message)
          if (message.type !== 'control-ready') return
          addresses = message.addresses
          readiness.control(addresses)
          onReady(addresses)
        },
      })
    },
    /** It is not to be started any more. */
    forbid(): void {
      isForbidden = true
    },
    async stop(): Promise<void> {
      const ending = child
      child = undefined
      await ending?.stop(kept.patience)
    },
  }
}

type WorkerParts = {
  readonly kept: Kept
  readonly readiness: Readiness
  readonly bank: CounterBank
  readonly holderOf: (child: ChildProcess) => number
  readonly addresses: () => ControlAddresses | undefined
}

function keepWorkers(
  settings: PlaneSettings,
  { sockets, lent }: ProxySockets,
  { kept, readiness, bank, holderOf, addresses }: WorkerParts,
): KeptChild[] {
  return sockets.map(({ handle }, slot) =>
    keepChild({
      ...kept,
      name: `gateway worker ${slot}`,
      ready: 'gateway-ready',
      flags: workerFlags,
      introduce(child) {
        holderOf(child)
        introduceWorker(child, { settings, slot, handle, lent: lent[slot] ?? [] })
        const control = addresses()
        if (control !== undefined) tell(child, introduction(control))
      },
      onMessage(message, child) {
        if (message.type === 'count' || message.type === 'returned')
          bank.receive(holderOf(child), message)
        else if (message.type === 'gateway-ready') readiness.worker()
        else if (message.type === 'failed') readiness.failed(message.message)
      },
    }),
  )
}

/** Opens the counts of a node. Who holds a part of a window is a process and not a place: a worker and its successor count side by side for a while. */
function openBank(estate: Estate | undefined) {
  const holders = new Map<number, ChildProcess>()
  const numbers = new WeakMap<ChildProcess, number>()
  let last = 0
  let isOther = (_worker: number): boolean => false
  let tellOther: TellWorker = () => undefined
  const bank = (estate?.openBank ?? openCounterBank)({
    clock: systemClock,
    tell(worker, message) {
      const holder = holders.get(worker)
      if (isOther(worker)) tellOther(worker, message)
      else if (holder !== undefined) tell(holder, message)
    },
  })
  return {
    bank,
    /** The number of a worker. */
    holderOf(this: void, child: ChildProcess): number {
      const known = numbers.get(child)
      if (known !== undefined) return known
      const number = (last += 1)
      numbers.set(child, number)
      holders.set(number, child)
      // Its last messages come before this, and after its exit.
      child.once('disconnect', () => {
        holders.delete(number)
        bank.forget(number)
      })
      return number
    },
    lend(this: void, knows: (worker: number) => boolean, tellTheirs: TellWorker): void {
      isOther = knows
      tellOther = tellTheirs
    },
  }
}

type Introduction = {
  readonly settings: PlaneSettings
  readonly slot: number
  readonly handle: object
  readonly lent: readonly { readonly handle: object; readonly duty: LentDuty }[]
}

function introduceWorker(
  child: ChildProcess,
  { settings, slot, handle, lent }: Introduction,
): void {
  for (const { duty, handle: lentHandle } of lent) tell(child, { type: 'lend', duty }, lentHandle)
  tell(child, { type: 'start', plane: 'gateway', settings, slot }, handle)
}

const introduction = ({ nodes, joinSecret }: ControlAddresses) =>
  ({ type: 'control', url: nodes, joinSecret }) as const

/** A control plane that is started again listens where it listened before, also when the settings let it choose. */
function keepPorts(
  settings: PlaneSettings,
  addresses: ControlAddresses | undefined,
): PlaneSettings {
  if (addresses === undefined) return settings
  const at = (address: ListenAddress, url: string): ListenAddress => ({
    ...address,
    port: Number(new URL(url).port),
  })
  return {
    ...settings,
    adminListen: at(settings.adminListen, addresses.admin),
    managerListen: at(settings.managerListen, addresses.manager),
    nodeListen: at(settings.nodeListen, addresses.nodes),
  }
}

function openReadiness(workers: number, listening: Pick<NodeAddresses, 'proxy' | 'proxySsl'>) {
  const { promise, resolve, reject } = Promise.withResolvers<NodeAddresses>()
  const serving = Promise.withResolvers<void>()
  let control: ControlAddresses | undefined
  let missing = workers
  for (const either of [promise, serving.promise]) either.catch(() => undefined)
  const check = (): void => {
    if (missing <= 0) serving.resolve()
    if (control === undefined || missing > 0) return
    const { admin, manager, setup } = control
    resolve({ admin, manager, setup, ...listening })
  }
  return {
    promise,
    workers: serving.promise,
    control(addresses: ControlAddresses) {
      control = addresses
      check()
    },
    worker() {
      missing -= 1
      check()
    },
    failed(message: string) {
      const problem = new Problem('start.failed', 500, message)
      serving.reject(problem)
      reject(problem)
    },
  }
}
