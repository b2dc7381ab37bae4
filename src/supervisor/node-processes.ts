import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import type { CountAnswer, Recall } from '../cluster/counter-client.ts'
import { answerValues } from '../cluster/shared-values.ts'
import { openValueTable, type ValueTable } from '../cluster/value-table.ts'
import {
  openCounterServer,
  type CounterServer,
  type CounterServerOptions,
} from '../cluster/counter-server.ts'
import { systemClock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import type { LogThreshold } from '../lib/log-threshold.ts'
import {
  controlUrls,
  type ControlAddress,
  type ControlAddresses,
  type ToChild,
} from '../planes/messages.ts'
import {
  addressOf,
  gatewaySnapshots,
  type ListenAddress,
  type PlaneSettings,
} from '../planes/plane-settings.ts'
import type { ListeningSocket } from './listening-socket.ts'
import type { PlaneAddresses } from './messages.ts'
import { openLogLevels, type LogLevels } from './log-levels.ts'
import { openReadiness, type Readiness } from './open-readiness.ts'
import { bindProxyListeners, type WorkerSockets } from './proxy-listeners.ts'
import {
  sendTo,
  superviseProcess,
  waitForEnd,
  type SupervisedProcess,
  type SupervisedProcessOptions,
} from './supervised-process.ts'

/** The processes of a node, and the counters that its gateway workers share. */
export type NodeProcesses = {
  /** Resolves when all planes are ready; rejects when one cannot start and a restart would not help. */
  readonly ready: Promise<PlaneAddresses>
  /** Resolves when all gateway workers are ready. */
  readonly workersReady: Promise<void>
  readonly hasControl: boolean
  readonly counters: CounterServer
  /** Values that plugins share among the workers. */
  readonly values: ValueTable
  /** Sends messages to workers of a successor there instead of to a process of this node. */
  shareCounters(successor: SuccessorWorkers): void
  /** State for a successor, without the counters and shared values. */
  state(): Omit<InheritedState, 'openCounters' | 'values'>
  startControl(): void
  stopControl(): Promise<void>
  /** Stops the gateway workers gracefully. */
  stopWorkers(): Promise<void>
  /** Replaces the gateway workers one after the other; no request is dropped. */
  reload(): Promise<void>
  /** Stops everything gracefully: exchanges finish, and recorded events are shipped. Nothing is started any more. Every call waits for the same end. */
  stop(): Promise<void>
  /** Shortens the waits of a `stop` that is under way. */
  hurry(): void
}

type SuccessorWorkers = {
  readonly isSuccessors: (worker: number) => boolean
  readonly deliver: SendToWorker
}
type SendToWorker = (worker: number, message: CountAnswer | Recall) => void

export type InheritedState = {
  readonly sockets: ReadonlyMap<string, ListeningSocket>
  /** Undefined when the node runs no control plane. */
  readonly addresses: ControlAddresses | undefined
  readonly openCounters: (options: CounterServerOptions) => CounterServer
  /** Receives those of the predecessor when it ends. */
  readonly values: ValueTable
}

export type NodeOptions = {
  readonly settings: PlaneSettings
  /** The module that children run. */
  readonly childModule: string
  readonly log: Log
  /** Of `log`. */
  readonly threshold: LogThreshold
  /** Set for a successor, whose control plane is started only after that of the predecessor has stopped. */
  readonly inherited?: InheritedState | undefined
}

/** Milliseconds after which the keys of TLS session tickets change. */
const ticketLifetime = 8 * 3_600_000

const makeTicketSecret = (): string => randomBytes(32).toString('hex')

/** Milliseconds that a stopping child has to ship its events, beside the time for exchanges. */
const shipTimeout = 5_000

/** Node's flags for a gateway worker. Exchanges are many and short-lived: a large young generation, and no pretenuring into old space, which V8 would choose under load. */
export const workerFlags = ['--min-semi-space-size=16', '--no-allocation-site-pretenuring']

/** Node's flags for a control plane, whose heap is large and changes little. By default V8 lets it grow to three times its live size. */
const controlFlags = ['--max-semi-space-size=4', '--heap-growing-percent=30']

/** Milliseconds that the control plane waits at a start for workers that can serve from their disk. */
const maxHeadStart = 1_000

/** Starts the processes of the planes in the settings, and restarts those that die. The counters live here, because this process does nothing else and therefore runs longer than the others. */
export function startNodeProcesses(options: NodeOptions): NodeProcesses {
  const { childModule, log, threshold, inherited } = options
  const { plane } = options.settings
  const hasControl = plane !== 'gateway'
  const listeners =
    plane === 'control' ? undefined : bindProxyListeners(options.settings, inherited?.sockets)
  const settings = { ...options.settings, ...listeners?.listens }
  const sockets = listeners?.byKey ?? new Map<string, ListeningSocket>()
  const readiness = openReadiness(listeners, hasControl)
  const { counters, numberOf, share } = openCounters(inherited)
  const values = valuesOf(inherited)
  const sweeping = setInterval(() => {
    counters.sweep()
    values.sweep()
  }, 10_000)
  const stopTimeout = settings.drainSeconds * 1_000 + shipTimeout
  const logLevel = openLogLevels(threshold, (message) => {
    control.send(message)
    for (const worker of workers) worker.send(message)
  })
  const common: CommonOptions = {
    module: childModule,
    stopTimeout,
    log,
    logLevel,
    onEarlyExit(name) {
      if (inherited !== undefined) readiness.failed(`The ${name} exited before it was ready`)
    },
  }
  const control = openControl(settings, inherited?.addresses, common, {
    readiness,
    onReady(addresses) {
      const control = controlAddress(addresses)
      for (const worker of workers) worker.send({ type: 'control', ...control })
    },
  })
  const controlOf = (): ControlAddress | undefined => {
    const { remoteControl } = settings
    if (remoteControl !== undefined)
      return { url: remoteControl.url, joinSecret: remoteControl.joinToken, listens: [] }
    const addresses = control.addresses()
    return addresses && controlAddress(addresses)
  }
  let workers: readonly SupervisedProcess[] = []
  let ticketSecret = makeTicketSecret()
  let stopping: Promise<void> | undefined
  workers = (listeners?.workers ?? []).map((workerSockets, slot) =>
    startWorker(settings, slot, workerSockets, common, {
      readiness,
      counters,
      values,
      numberOf,
      controlOf,
      ticketSecret: () => ticketSecret,
    }),
  )
  // On a single core, starting the control plane first would delay the workers by about a second.
  let awaitsControl = hasControl && inherited === undefined
  const startFirstControl = (): void => {
    if (awaitsControl) control.start()
    awaitsControl = false
  }
  const headStart = setTimeout(
    startFirstControl,
    existsSync(gatewaySnapshots(settings)) ? maxHeadStart : 0,
  )
  void readiness.workersReady.then(startFirstControl, () => undefined)
  const rotating = setInterval(() => {
    ticketSecret = makeTicketSecret()
    for (const worker of workers) worker.send({ type: 'ticket-secret', secret: ticketSecret })
  }, ticketLifetime)
  const stopWorkers = async (): Promise<void> => {
    await Promise.all(workers.map((worker) => worker.stop(stopTimeout)))
  }

  return {
    ready: readiness.ready,
    workersReady: readiness.workersReady,
    hasControl,
    counters,
    values,
    shareCounters: share,
    state: () => ({ sockets, addresses: control.addresses() }),
    startControl: () => hasControl && control.start(),
    stopControl() {
      awaitsControl = false
      return control.stop()
    },
    stopWorkers,
    async reload() {
      for (const worker of workers) await worker.replace()
    },
    stop() {
      stopping ??= stopAll()
      return stopping
    },
    hurry() {
      for (const worker of workers) worker.hurry()
    },
  }

  async function stopAll(): Promise<void> {
    control.forbid()
    clearTimeout(headStart)
    clearInterval(sweeping)
    clearInterval(rotating)
    // No worker accepts any more: a refused connection is better than one that is never accepted.
    for (const socket of sockets.values()) socket.close()
    await stopWorkers()
    await control.stop()
  }
}

type CommonOptions = Pick<
  SupervisedProcessOptions,
  'module' | 'stopTimeout' | 'log' | 'onEarlyExit'
> & { readonly logLevel: LogLevels }

/** The control plane of a node, which may be stopped and started again. */
function openControl(
  settings: PlaneSettings,
  inherited: ControlAddresses | undefined,
  common: CommonOptions,
  {
    readiness,
    onReady,
  }: {
    readonly readiness: Readiness
    readonly onReady: (addresses: ControlAddresses) => void
  },
) {
  let addresses = inherited
  let child: SupervisedProcess | undefined
  let stopped: Promise<unknown> = Promise.resolve()
  let isForbidden = false
  return {
    addresses: () => addresses,
    start(): void {
      if (child !== undefined || isForbidden) return
      child = superviseProcess({
        ...common,
        name: 'control plane',
        ready: 'control-ready',
        flags: controlFlags,
        introduce(fresh) {
          sendTo(fresh, {
            type: 'start',
            plane: 'control',
            settings: keepPorts(settings, addresses),
          })
          common.logLevel.introduce(fresh)
        },
        onMessage(message) {
          if (message.type === 'log-level') common.logLevel.receive(message)
          if (message.type === 'failed') readiness.failed(message.message)
          if (message.type !== 'control-ready') return
          addresses = message.addresses
          readiness.control(addresses)
          onReady(addresses)
        },
      })
    },
    send: (message: ToChild): void => child?.send(message),
    /** Makes every later `start` do nothing. */
    forbid(): void {
      isForbidden = true
    },
    /** Every call waits until no control plane runs, whichever call stops it. */
    async stop(): Promise<void> {
      stopped = Promise.all([stopped, child?.stop(common.stopTimeout)])
      child = undefined
      await stopped
    },
  }
}

function startWorker(
  settings: PlaneSettings,
  slot: number,
  { plain, others }: WorkerSockets,
  common: CommonOptions,
  {
    readiness,
    counters,
    values,
    numberOf,
    controlOf,
    ticketSecret,
  }: {
    readonly readiness: Readiness
    readonly counters: CounterServer
    readonly values: ValueTable
    readonly numberOf: (child: ChildProcess) => number
    readonly controlOf: () => ControlAddress | undefined
    readonly ticketSecret: () => string
  },
): SupervisedProcess {
  return superviseProcess({
    ...common,
    name: `gateway worker ${slot}`,
    ready: 'gateway-ready',
    flags: workerFlags,
    introduce(child) {
      numberOf(child)
      for (const { duty, handle } of others) sendTo(child, { type: 'socket', duty }, handle)
      const control = controlOf()
      const first = { type: 'start', plane: 'gateway', settings, slot, control } as const
      sendTo(child, { ...first, ticketSecret: ticketSecret() }, plain.handle)
      common.logLevel.introduce(child)
    },
    onMessage(message, child) {
      if (message.type === 'count' || message.type === 'returned')
        counters.receive(numberOf(child), message)
      else if (message.type === 'values') sendTo(child, answerValues(values, systemClock, message))
      else if (message.type === 'log-level') common.logLevel.receive(message)
      else if (message.type === 'gateway-ready') readiness.worker()
      else if (message.type === 'failed') readiness.failed(message.message)
    },
  })
}

const valuesOf = (inherited: InheritedState | undefined): ValueTable =>
  inherited?.values ?? openValueTable(systemClock)

/** Opens the counters of a node. A lease belongs to a process and not to a slot: a worker and its replacement count side by side for a while. */
function openCounters(inherited: InheritedState | undefined) {
  const children = new Map<number, ChildProcess>()
  const numbers = new WeakMap<ChildProcess, number>()
  let last = 0
  let successor: SuccessorWorkers | undefined
  const counters = (inherited?.openCounters ?? openCounterServer)({
    clock: systemClock,
    send(worker, message) {
      const child = children.get(worker)
      if (successor?.isSuccessors(worker) === true) successor.deliver(worker, message)
      else if (child !== undefined) sendTo(child, message)
    },
  })
  return {
    counters,
    /** The number under which a worker counts. */
    numberOf(this: void, child: ChildProcess): number {
      const known = numbers.get(child)
      if (known !== undefined) return known
      const number = (last += 1)
      numbers.set(child, number)
      children.set(number, child)
      void waitForEnd(child).then(() => {
        children.delete(number)
        counters.forget(number)
      })
      return number
    },
    share(this: void, workers: SuccessorWorkers): void {
      successor = workers
    },
  }
}

const controlAddress = (addresses: ControlAddresses): ControlAddress => ({
  url: addresses.nodes,
  joinSecret: addresses.joinSecret,
  listens: controlUrls(addresses).map(addressOf),
})

/** A restarted control plane listens on its previous addresses, even when the settings have port 0. */
function keepPorts(
  settings: PlaneSettings,
  addresses: ControlAddresses | undefined,
): PlaneSettings {
  if (addresses === undefined) return settings
  const at = <Listen extends ListenAddress>(address: Listen, url: string | undefined): Listen =>
    url === undefined ? address : { ...address, port: addressOf(url).port }
  const { admin, manager, admins = [admin], managers = [manager], nodes } = addresses
  return {
    ...settings,
    adminListens: settings.adminListens.map((listen, index) => at(listen, admins[index])),
    managerListens: settings.managerListens.map((listen, index) => at(listen, managers[index])),
    nodeListen: at(settings.nodeListen, nodes),
  }
}
