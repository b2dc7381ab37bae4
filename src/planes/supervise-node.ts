import type { ChildProcess } from 'node:child_process'
import { openCounterBank } from '../cluster/share-counters.ts'
import { systemClock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { Problem } from '../lib/problem.ts'
import { keepChild, tell, type KeptChild } from './keep-child.ts'
import { bindListeningSockets } from './listening-socket.ts'
import { lockData } from './lock-data.ts'
import type { ControlAddresses, LentDuty } from './messages.ts'
import type { ListenAddress, PlaneSettings } from './plane-settings.ts'

/** Where a running node can be reached. */
export type NodeAddresses = Omit<ControlAddresses, 'joinSecret' | 'nodes'> & {
  readonly proxy: string
  /** Where the proxy speaks TLS; undefined when it does not. */
  readonly proxySsl: string | undefined
}

/** A node under supervision: a control plane, gateway workers, and the counts that they share. */
export type SupervisedNode = {
  /** Resolves when everything listens; rejects when something cannot start for a reason that trying again will not mend. */
  readonly ready: Promise<NodeAddresses>
  /** Replaces the gateway workers one after the other by fresh ones; no request is dropped. */
  reload(): Promise<void>
  /** Lets exchanges finish, ships what is in the spools, and ends all. */
  stop(): Promise<void>
}

/** What a node is supervised with. */
export type SupervisionOptions = {
  readonly settings: PlaneSettings
  /** Module that a child runs. */
  readonly childModule: string
  readonly log: Log
}

/** Milliseconds that a child has, beside the time for exchanges, to ship what it recorded and to end. */
const endingTime = 5_000

/** Exchanges are many and die young: a roomy nursery, and none of them born old, which V8 would otherwise decide under load and then copy everything they point to. */
const workerFlags = ['--min-semi-space-size=16', '--no-allocation-site-pretenuring']

/** Starts the children of a node and starts again what dies. The shared counts live here, in the process that does nothing else and therefore outlives the others. */
export function superviseNode({ settings, childModule, log }: SupervisionOptions): SupervisedNode {
  const unlock = lockData(settings.data)
  const { sockets, lent, listening } = bindProxySockets(settings)
  const readiness = openReadiness(settings.workers, listening)
  const bank = openCounterBank({
    clock: systemClock,
    tell: (worker, message) => workers[worker]?.send(message),
  })
  const sweeping = setInterval(() => bank.sweep(), 10_000)
  const drainTime = settings.drainSeconds * 1_000 + endingTime
  const kept = { module: childModule, patience: drainTime, log }
  let addresses: ControlAddresses | undefined
  let workers: readonly KeptChild[] = []

  const control = keepChild({
    ...kept,
    name: 'control plane',
    ready: 'control-ready',
    introduce: (child) =>
      tell(child, { type: 'start', plane: 'control', settings: keepPorts(settings, addresses) }),
    onMessage(message) {
      if (message.type === 'failed') readiness.failed(message.message)
      if (message.type !== 'control-ready') return
      addresses = message.addresses
      readiness.control(addresses)
      for (const worker of workers) worker.send(introduction(addresses))
    },
  })
  workers = sockets.map(({ handle }, slot) =>
    keepChild({
      ...kept,
      name: `gateway worker ${slot}`,
      ready: 'gateway-ready',
      flags: workerFlags,
      introduce(child) {
        bank.forget(slot)
        introduceWorker(child, { settings, slot, handle, lent: lent[slot] ?? [] })
        if (addresses !== undefined) tell(child, introduction(addresses))
      },
      onMessage(message) {
        if (message.type === 'count' || message.type === 'returned') bank.receive(slot, message)
        else if (message.type === 'gateway-ready') readiness.worker()
        else if (message.type === 'failed') readiness.failed(message.message)
      },
    }),
  )

  return {
    ready: readiness.promise,
    async reload() {
      for (const worker of workers) await worker.replace()
    },
    async stop() {
      clearInterval(sweeping)
      // Nobody accepts any more: clients are better refused than left waiting.
      for (const socket of [...sockets, ...lent.flat()]) socket.close()
      await Promise.all(workers.map((worker) => worker.stop(drainTime)))
      await control.stop(drainTime)
      unlock()
    },
  }
}

/** The sockets of all workers, and where they listen. */
function bindProxySockets({ proxyListen, proxySslListen, streamListens, workers }: PlaneSettings) {
  const sockets = bindListeningSockets(proxyListen, workers)
  const duties: readonly (readonly [LentDuty, ListenAddress])[] = [
    ...(proxySslListen === undefined ? [] : [['secure', proxySslListen] as const]),
    ...streamListens.map((listen) => [listen, listen] as const),
  ]
  const bound = duties.map(([duty, address]) =>
    bindListeningSockets(address, workers).map((socket) => ({ ...socket, duty })),
  )
  return {
    sockets,
    lent: sockets.map((_socket, slot) => bound.flatMap((of) => of[slot] ?? [])),
    listening: {
      proxy: `http://${proxyListen.host}:${sockets[0]?.port}`,
      proxySsl: proxySslListen && `https://${proxySslListen.host}:${bound[0]?.[0]?.port}`,
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
  let control: ControlAddresses | undefined
  let missing = workers
  const check = (): void => {
    if (control === undefined || missing > 0) return
    const { admin, manager, setup } = control
    resolve({ admin, manager, setup, ...listening })
  }
  return {
    promise,
    control(addresses: ControlAddresses) {
      control = addresses
      check()
    },
    worker() {
      missing -= 1
      check()
    },
    failed: (message: string) => reject(new Problem('start.failed', 500, message)),
  }
}
