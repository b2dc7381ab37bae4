import { z } from 'zod'
import { logLevels } from '../lib/log-threshold.ts'
import { exporterStatus } from './exporter.ts'
import { trafficReport } from './traffic-report.ts'
import { upstreamHealth } from './upstream-health.ts'

/** Paths of the protocol between nodes and the control plane, over HTTP/1.1. Every request except `enrol` carries the token of the node as a bearer token. */
export const nodePaths = {
  /** POST: Enrolment → Enrolled. */
  enrol: '/v1/enrol',
  /**
   * GET, with the SnapshotVersion of the node as query, if any: an endless stream of SnapshotMessage in JSON
   * Lines, from that snapshot to the current one and to each later one; from the empty snapshot when the
   * control plane no longer has the node's. An empty line every 5 seconds keeps it alive.
   */
  snapshots: '/v2/snapshots',
  /**
   * PUT /v2/batches/{batch id}: a segment of events. 204 once the control plane keeps it; idempotent. A request that
   * may have arrived before has the header `repeatedHeader`. The header `nextBatchHeader` of the answer is the
   * milliseconds to wait before the next batch. The header `completeHeader` is the time before which
   * the worker has nothing more to send, in milliseconds since the epoch. The content may have one of the
   * encodings in the header `encodingsHeader` of an earlier answer.
   */
  batches: '/v2/batches',
  /** PUT /v1/batches/{batch id}, from older nodes: events in JSON Lines. 204 once they are in the warehouse. Idempotent. */
  lineBatches: '/v1/batches',
  /** POST: UnrecordedReport. 204 once it is in the warehouse. Idempotent. */
  unrecorded: '/v2/unrecorded',
  /** POST: Heartbeat → Orders. */
  heartbeat: '/v1/heartbeat',
} as const

export const repeatedHeader = 'weir-repeated'
export const nextBatchHeader = 'weir-next-batch'
/** Encodings of batches that a control plane decodes, in its answers to batches. */
export const encodingsHeader = 'weir-accept-encoding'
export const completeHeader = 'weir-complete-until'

/** `secret` is the join secret of the control plane. */
export const enrolment = z.strictObject({
  secret: z.string(),
  node: z.string().regex(/^[\w.-]{1,100}$/),
  worker: z.int().min(0).max(1023),
  zone: z.string().max(100),
  environment: z.string().max(100),
  version: z.string(),
})
export type Enrolment = z.output<typeof enrolment>

export const enrolled = z.strictObject({
  token: z.string(),
  /** Ed25519 public key that verifies sealed snapshots, SPKI PEM. */
  publicKey: z.string(),
})
export type Enrolled = z.output<typeof enrolled>

/** Why an event was not recorded: `shed` while its request was served, `refused` with its request. */
const unrecordedKind = z.enum(['shed', 'refused'])

/** Number of events that a process did not record, by minute. A repeated count is the same or higher. */
export const unrecordedReport = z.strictObject({
  /** Of the process. */
  source: z.uuid(),
  counts: z
    .array(
      z.strictObject({
        workspace: z.string().max(100),
        kind: unrecordedKind,
        /** Minutes since the epoch. */
        minute: z.int().min(0),
        sequence: z.int().min(0).max(0xffff_ffff),
        events: z.int().min(0),
      }),
    )
    .readonly(),
})
export type UnrecordedReport = z.output<typeof unrecordedReport>

/** The state of a worker. `refusedRevision` and `refusal` name the last snapshot it could not run, and the reason. */
export const heartbeat = z.strictObject({
  revision: z.int(),
  spooledBytes: z.int(),
  exchanges: z.int(),
  /** Absent from older nodes. */
  upstreams: z.array(upstreamHealth).optional(),
  /** Absent from older nodes. */
  exporters: z.array(exporterStatus).optional(),
  /** Only after an order. */
  traffic: trafficReport.optional(),
  /** Milliseconds since the epoch before which the worker has nothing more to send. */
  completeUntil: z.number().optional(),
  isSpoolFull: z.boolean().optional(),
  /** Events that were not recorded since the worker started. */
  unrecorded: z
    .array(z.strictObject({ workspace: z.string(), kind: unrecordedKind, events: z.int() }))
    .optional(),
  refusedRevision: z.int().optional(),
  refusal: z.string().optional(),
})
export type Heartbeat = z.output<typeof heartbeat>

/** A health override of a target, which holds until a check or another override changes it. */
export const targetOrder = z.strictObject({
  /** Id of the upstream. */
  upstream: z.string(),
  /** host:port as configured. */
  target: z.string(),
  /** ip:port of one address; null for all addresses. */
  address: z.string().nullable(),
  healthy: z.boolean(),
})
export type TargetOrder = z.output<typeof targetOrder>

/** Removes a response, or without a key all responses, from the caches of a plugin. */
export const cachePurge = z.strictObject({
  /** Id of the plugin. */
  plugin: z.string(),
  key: z.string().nullable(),
})
export type CachePurge = z.output<typeof cachePurge>

/** A change of a node's log level. Each worker of the node delivers it; the id identifies duplicates. */
export const logLevelChange = z.strictObject({
  id: z.string(),
  level: z.enum(logLevels),
  /** Remaining duration. */
  milliseconds: z.number().min(0),
})
export type LogLevelChange = z.output<typeof logLevelChange>

/** The answer to a heartbeat; empty from older control planes. */
export const orders = z.object({
  targets: z.array(targetOrder),
  /** Absent from older control planes. */
  purges: z.array(cachePurge).optional(),
  /** Whether the next heartbeat must include `traffic`. */
  wantsTraffic: z.boolean().optional(),
  /** Absent when none is active, and from older control planes. */
  logLevel: logLevelChange.optional(),
})
export type Orders = z.output<typeof orders>
