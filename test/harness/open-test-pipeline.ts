import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { uuidv7 } from '../../src/lib/ids.ts'
import { silentLog } from '../../src/lib/log.ts'
import type { ColumnBlock } from '../../src/schema/column-block.ts'
import { openIntake } from '../../src/telemetry/open-intake.ts'
import { openRecorder, type Durability } from '../../src/telemetry/open-recorder.ts'
import { openSpool, type Spool } from '../../src/telemetry/open-spool.ts'
import { openBatchReceiver } from '../../src/telemetry/receive-batch.ts'
import { startLoading } from '../../src/telemetry/start-loading.ts'
import { startShipping, type Shipment } from '../../src/telemetry/start-shipping.ts'
import { buildEvent } from './build-event.ts'
import { toRecord } from './event-record.ts'
import { until } from './until.ts'

/** Remembers ids of loads like the warehouse, and throws while it is unavailable. */
function openTestStore() {
  const loads = new Map<string, readonly string[]>()
  const state = { isAway: false, inserts: 0 }
  return {
    state,
    /** Ids of requests in order; one that is stored twice is there twice. */
    ids: (): readonly string[] => [...loads.values()].flat().toSorted(),
    isStored: async ({ request_id: id }: { readonly request_id: string }): Promise<boolean> =>
      [...loads.values()].some((ids) => ids.includes(id)),
    async insert(this: void, id: string, { columns }: ColumnBlock): Promise<void> {
      state.inserts += 1
      if (state.isAway) throw new Error('the warehouse is away')
      if (loads.has(id)) return
      const column = columns.get('request_id')
      if (column?.kind !== 'uuid') throw new Error('no ids')
      const text = column.bytes.toString('hex')
      loads.set(id, text.match(/.{32}/g) ?? [])
    },
  }
}

/** The way between a node and the control plane. */
export type TestLink = (
  shipment: Shipment,
  deliver: (shipment: Shipment) => Promise<void>,
) => Promise<void>

const direct: TestLink = (shipment, deliver) => deliver(shipment)

/** A control plane in this process that stores batches in memory. */
export function openTestIntake(
  directory = mkdtempSync(join(tmpdir(), 'weir-pipeline-')),
  maxBytes = 1e9,
) {
  const store = openTestStore()
  const intake = openIntake(directory, { maxBatches: 1_000, isSynced: false, maxBytes })
  const isStored = ({ request_id: id }: { readonly request_id: string }): Promise<boolean> =>
    store.isStored({ request_id: id.replaceAll('-', '') })
  const receive = openBatchReceiver(intake, isStored)
  const loading = startLoading({
    intake,
    insert: store.insert,
    isStored,
    isWatched: () => true,
    log: silentLog,
    intervals: { watched: 5, unwatched: 5 },
  })
  return {
    store,
    intake,
    async receive({ batch, content, isRepeated }: Shipment, node: string): Promise<void> {
      await receive(batch, content, isRepeated, node)
      loading.wake()
    },
    stop: () => loading.stop(30_000),
  }
}

/** A worker that records, and sends to a control plane. */
export function openTestNode(
  { receive }: Pick<ReturnType<typeof openTestIntake>, 'receive'>,
  {
    node = 'n',
    link = direct,
    root = mkdtempSync(join(tmpdir(), 'weir-node-')),
    durability = { mode: 'commit' },
  }: {
    readonly node?: string
    readonly link?: TestLink
    readonly root?: string
    readonly durability?: Durability
  } = {},
) {
  const spool: Spool = openSpool(root, durability.mode !== 'commit')
  const recorder = openRecorder(spool, silentLog, durability)
  const answered = new Set<string>()
  const shipping = startShipping({
    spool,
    interval: 5,
    log: silentLog,
    send: async (shipment) => {
      await link(shipment, (one) => receive(one, node))
      return 5
    },
  })
  return {
    spool,
    root,
    /** Ids of requests whose answers ended. */
    answered,
    /** Resolves when the answer ends, or its connection. */
    request: (): Promise<void> =>
      new Promise((resolve) => {
        const id = uuidv7(Date.now())
        const release = (): void => {
          answered.add(id.replaceAll('-', ''))
          resolve()
        }
        const event = toRecord(buildEvent({ request_id: id, path: `/${id}`, node }))
        recorder.record(event, { release, abandon: resolve })
      }),
    /** Waits until everything is sent. */
    untilSent: () =>
      until('the spool to be empty', () => spool.bytes === 0 && spool.closed().length === 0),
    stop: () => shipping.stop(30_000),
  }
}
