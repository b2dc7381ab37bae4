import { join } from 'node:path'
import type { Clock } from '../lib/clock.ts'
import { uuidv4 } from '../lib/ids.ts'
import type { Log } from '../lib/log.ts'
import type { NodeServerOptions, ReceiveBatch } from '../cluster/serve-nodes.ts'
import { openIntake } from '../telemetry/open-intake.ts'
import { openWatermarks, type Watermark, type Watermarks } from '../telemetry/open-watermarks.ts'
import { openWebhooks, type WebhookOptions, type Webhooks } from '../telemetry/open-webhooks.ts'
import { openBatchReceiver, type EventKey } from '../telemetry/receive-batch.ts'
import { startLoading } from '../telemetry/start-loading.ts'
import { holdsEvent } from '../warehouse/holds-event.ts'
import type { Warehouse } from '../warehouse/open-warehouse.ts'
import type { PlaneSettings } from './plane-settings.ts'

/** The control plane's part of recording: takes batches of events from nodes and stores them. */
export type RequestRecording = {
  readonly receiveBatch: ReceiveBatch
  readonly receiveUnrecorded: NodeServerOptions['receiveUnrecorded']
  /** The warehouse; a query of it means that events are being watched. */
  readonly watched: Warehouse
  /** Bytes of batches that are not in the warehouse yet, and how many batches were set aside. */
  intake(this: void): { readonly bytes: number; readonly refused: number }
  readonly watermarks: Watermarks
  readonly webhooks: Webhooks['state']
  stop(milliseconds: number): Promise<void>
}

/** Milliseconds after a query in which events count as watched; pages ask at least every five seconds. */
const watchedFor = 15_000

/** Milliseconds between two batches of a gateway worker while events are not watched. */
const unwatchedInterval = 1_000

const maxIntakeBytes = 4 * 1024 ** 3

export function recordRequests(
  settings: Pick<PlaneSettings, 'data' | 'warehouseUrl' | 'durability'>,
  warehouse: Warehouse,
  {
    clock,
    log,
    webhooks: receivers,
    workspaceName = () => '',
  }: {
    readonly clock: Clock
    readonly log: Log
    readonly webhooks?: Pick<WebhookOptions, 'list' | 'secret' | 'egress'>
    readonly workspaceName?: (id: string) => string
  },
): RequestRecording {
  const intake = openIntake(join(settings.data, 'intake'), {
    // A server may have other control planes, which may have received the same batch; it deduplicates batches by their id.
    maxBatches: settings.warehouseUrl === undefined ? 1_000 : 1,
    isSynced: settings.durability.mode !== 'commit',
    maxBytes: maxIntakeBytes,
  })
  const isStored = (event: EventKey): Promise<boolean> => holdsEvent(warehouse, event)
  const { withoutErased } = warehouse.erasures
  const receive = openBatchReceiver(intake, isStored, withoutErased)
  const file = join(settings.data, 'nodes.json')
  const watermarks = openWatermarks({ intake, file, clock, log })
  const webhooks =
    receivers &&
    openWebhooks({
      ...receivers,
      completeUntil: () => completeUntil(watermarks.nodes()),
      clock,
      log,
    })
  let lastQuery = -Infinity
  const isWatched = (): boolean => clock.now() - lastQuery < watchedFor
  const loading = startLoading({
    intake,
    async insert(id, block) {
      await warehouse.insertBlock('requests', id, block)
      // Before the load is finished, so before the watermark includes it.
      webhooks?.noteStored(block)
    },
    isStored,
    withoutErased,
    isWatched,
    log,
  })
  return {
    async receiveBatch(batch, content, isRepeated, { node, worker }, completeUntil) {
      await receive(batch, content, isRepeated, node)
      watermarks.receive(node, worker, completeUntil)
      loading.wake()
      return isWatched() ? loading.nextBatchIn() : unwatchedInterval
    },
    async receiveUnrecorded({ source, counts }, { node, zone, environment }) {
      const rows = counts.map(({ minute, workspace, ...count }) => ({
        ...count,
        time: `${minute * 60}.000000`,
        workspace,
        workspace_name: workspaceName(workspace),
        node,
        zone,
        environment,
        source,
      }))
      const lines = rows.map((row) => `${JSON.stringify(row)}\n`).join('')
      await warehouse.insertBatch('unrecorded', uuidv4(), Buffer.from(lines))
    },
    watched: {
      ...warehouse,
      query(statement, signal) {
        const wasWatched = isWatched()
        lastQuery = clock.now()
        if (!wasWatched) loading.wake()
        return warehouse.query(statement, signal)
      },
    },
    intake: () => ({ bytes: intake.bytes, refused: intake.refused }),
    watermarks,
    webhooks: webhooks?.state ?? (() => []),
    async stop(milliseconds) {
      await loading.stop(milliseconds)
      await webhooks?.stop()
      watermarks.stop()
    },
  }
}

/** The time before which every request is stored, by all nodes that are not missing. */
function completeUntil(nodes: readonly Watermark[]): number | undefined {
  const untils = nodes.filter(({ isMissing }) => !isMissing).map(({ until }) => until)
  return untils.length > 0 && untils.every((until) => until !== undefined)
    ? Math.min(...untils)
    : undefined
}
