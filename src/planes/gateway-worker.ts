import type { Server } from 'node:net'
import { join } from 'node:path'
import { askCounters } from '../cluster/ask-counters.ts'
import { openControlLink } from '../cluster/open-control-link.ts'
import { openSnapshotShelf, receiveSnapshot, type Received } from '../cluster/receive-snapshot.ts'
import { systemClock } from '../lib/clock.ts'
import { limitLog } from '../lib/limit-log.ts'
import type { Log } from '../lib/log.ts'
import { catalog } from '../plugins/catalog.ts'
import { defaultFrontLimits } from '../proxy/limits.ts'
import { keepPools } from '../proxy/keep-pools.ts'
import { openProxy, type Proxy } from '../proxy/open-proxy.ts'
import { compileSteps, type Program } from '../proxy/program.ts'
import { keepDefaultCertificate } from '../proxy/keep-default-certificate.ts'
import type { Snapshot } from '../schema/snapshot.ts'
import { openKeptDataKey } from '../secrets/kept-data-key.ts'
import { openSecrets } from '../secrets/open-secrets.ts'
import { openRecorder, type Recorder } from '../telemetry/open-recorder.ts'
import { openSpool } from '../telemetry/open-spool.ts'
import { startShipping } from '../telemetry/start-shipping.ts'
import type { LentSocket, SupervisorLine } from './messages.ts'
import { fillSnapshot } from './fill-snapshot.ts'
import { gatewayDataKey, openKeys } from './open-keys.ts'
import type { PlaneSettings } from './plane-settings.ts'

/** What a gateway worker is started with. */
export type WorkerStart = {
  readonly settings: PlaneSettings
  readonly slot: number
  /** A variable of the environment to which the configuration may refer. */
  readonly readVariable: (this: void, name: string) => string | undefined
  /** The listening socket lent by the supervisor. */
  readonly socket: object
  /** The others that it lends. */
  readonly lent: readonly LentSocket[]
  readonly line: SupervisorLine
  readonly log: Log
}

/** Starts a gateway worker. It listens as soon as it has a snapshot, be it from the control plane or from its own disk; returns how to stop it, and, when `isHurried`, how to stop it without waiting for anybody. */
export function startGatewayWorker(start: WorkerStart): (isHurried: boolean) => Promise<void> {
  const { settings, slot, line, log } = start
  const spool = openSpool(join(settings.data, 'spool'))
  const limited = limitLog(log)
  const recorder = openRecorder(spool, limited)
  const counters = askCounters({ send: line.send, clock: systemClock })
  const serving = openServing(start, recorder)
  const pools = keepPools({ limits: settings.targets, log: limited })
  const secrets = openSecrets({
    readVariable: start.readVariable,
    files: settings.vaultFiles,
    clock: systemClock,
    onChange: () => runner.again(),
  })
  let withheld: ReadonlyMap<string, string> = new Map()
  const runner = openRunner(settings, {
    async complete(snapshot) {
      const filled = await fillSnapshot(snapshot, secrets, catalog)
      for (const [plugin, reason] of filled.withheld)
        log.warn('a plugin refuses all requests until it has its secret', { plugin, reason })
      withheld = filled.withheld
      return filled.snapshot
    },
    compile: (snapshot, revision) =>
      compileSteps(snapshot, revision, {
        catalog,
        counters,
        clock: systemClock,
        log: limited,
        pools,
        withheld,
      }),
    swap: serving.run,
    log,
  })
  const link = openControlLink({
    onSnapshot: runner.receive,
    state: () => ({
      ...serving.state(),
      spooledBytes: spool.bytes,
      upstreams: pools.health(),
      ...runner.refusal(),
    }),
    applyOrders: ({ targets }) => targets.forEach(pools.overrideHealth),
    log,
  })
  const shipping = startShipping({ spool, send: link.sendBatch, log: limited })
  const { node, zone, environment, version } = settings

  runner.resume()
  line.onMessage((message) => {
    if (message.type === 'counted' || message.type === 'recall') counters.receive(message)
    else if (message.type === 'control') {
      const { url, joinSecret: secret } = message
      link.joinAt(url, { secret, node, worker: slot, zone, environment, version })
    }
  })

  return async (isHurried) => {
    await serving.drain(isHurried ? 0 : settings.drainSeconds * 1_000)
    counters.receive({ type: 'recall' })
    await shipping.stop(isHurried ? 0 : 3_000)
    secrets.close()
    await link.close()
  }
}

/** Opens the proxy with the first program, and swaps in those that follow. */
function openServing({ settings, socket, lent, line, log }: WorkerStart, recorder: Recorder) {
  const { node, zone, environment, bodyLimit, admission, data } = settings
  const { record } = recorder
  const limits = { ...defaultFrontLimits, bodyBytes: bodyLimit }
  let latest: Program | undefined
  let proxy: Proxy | undefined
  const open = async (): Promise<void> => {
    const certificate = await keepDefaultCertificate(join(data, 'gateway'))
    if (latest === undefined) return
    const identity = { node, zone, environment }
    const parts = { limits, admission, certificate, record, log: limitLog(log) }
    proxy = openProxy({ program: latest, node: identity, ...parts })
    const opened = proxy
    const others = lent.map(({ duty, socket: other }) =>
      listen(
        duty === 'secure' ? opened.secureServer : opened.addStreamServer(duty.isSecure),
        other,
      ),
    )
    await Promise.all([listen(proxy.server, socket), ...others])
    line.send({ type: 'gateway-ready' })
  }
  return {
    run(this: void, program: Program): void {
      const isFirst = latest === undefined
      if (proxy === undefined) latest?.close()
      else proxy.swapProgram(program)
      latest = program
      if (isFirst) open().catch((error: unknown) => fail(error, log, line))
    },
    state: () => ({ revision: proxy?.revision ?? 0, exchanges: proxy?.exchanges ?? 0 }),
    drain: async (milliseconds: number) => proxy?.drain(milliseconds),
  }
}

function listen(server: Server, socket: object): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(socket, resolve)
  })
}

function fail(error: unknown, log: Log, line: SupervisorLine): void {
  log.error('the proxy could not be opened', { error })
  line.send({ type: 'failed', message: String(error) })
}

type RunnerParts = {
  readonly compile: (
    snapshot: Parameters<typeof compileSteps>[0],
    revision: number,
  ) => ReturnType<typeof compileSteps>
  readonly complete: (snapshot: Snapshot) => Promise<Snapshot>
  readonly swap: (program: Program) => void
  readonly log: Log
}

/** Runs every snapshot that comes, and first the one kept on disk; remembers which it had to refuse. */
function openRunner(settings: PlaneSettings, { log, ...node }: RunnerParts) {
  const seal = openKeptDataKey(gatewayDataKey(settings), openKeys(settings, log))
  const shelf = openSnapshotShelf(join(settings.data, 'gateway'), seal)
  let running = ''
  let refused: { refusedRevision: number; refusal: string } | undefined
  let latest: Received | undefined
  let last: Received | undefined
  let isBusy = false
  const run = async (received: Received): Promise<void> => {
    const { revision, signature } = received.sealed
    if (signature === running) return
    try {
      await receiveSnapshot(received, { ...node, shelf })
      last = received
      running = signature
      refused = undefined
    } catch (error) {
      refused = { refusedRevision: revision, refusal: String(error) }
      log.error('a snapshot was refused; the one before it goes on', { revision, error })
    }
  }
  /** One after the other; of those that come meanwhile only the last is of interest. */
  const receive = async (received: Received): Promise<void> => {
    latest = received
    if (isBusy) return
    isBusy = true
    for (let next: Received | undefined; (next = latest) !== undefined;) {
      latest = undefined
      await run(next)
    }
    isBusy = false
  }
  return {
    receive: (received: Received) => void receive(received),
    refusal: () => refused,
    /** Runs the last one once more, because its secrets are others. */
    again() {
      running = ''
      if (last !== undefined && latest === undefined) void receive(last)
    },
    resume() {
      const kept = shelf.read()
      if (kept !== undefined) void receive(kept)
    },
  }
}
