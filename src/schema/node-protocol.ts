import { z } from 'zod'
import { upstreamHealth } from './upstream-health.ts'

/** The paths of the protocol between a node and the control plane, HTTP/1.1; every request but `enrol` carries the node's token as a bearer token. */
export const nodePaths = {
  /** POST: Enrolment → Enrolled. */
  enrol: '/v1/enrol',
  /** GET: an endless stream of SealedSnapshot, one JSON object a line, the current one first, an empty line every 5 seconds. */
  snapshots: '/v1/snapshots',
  /** PUT /v1/batches/{batch id}: events, one JSON object a line; 204 once they are in the warehouse. Sending it again does no harm. */
  batches: '/v1/batches',
  /** POST: Heartbeat → Orders. */
  heartbeat: '/v1/heartbeat',
} as const

/** Who wants to be a node; `secret` is the join secret of the control plane. */
export const enrolment = z.strictObject({
  secret: z.string(),
  node: z.string().regex(/^[\w.-]{1,100}$/),
  worker: z.int().min(0).max(1023),
  zone: z.string().max(100),
  environment: z.string().max(100),
  version: z.string(),
})
/** Who wants to be a node. */
export type Enrolment = z.output<typeof enrolment>

/** What a node needs from then on. */
export const enrolled = z.strictObject({
  token: z.string(),
  /** Ed25519 public key that seals snapshots, SPKI PEM. */
  publicKey: z.string(),
})
/** What a node needs from then on. */
export type Enrolled = z.output<typeof enrolled>

/** How a node is: which revision runs, what waits in its spool, how the targets of upstreams are, what it refused to run and why. */
export const heartbeat = z.strictObject({
  revision: z.int(),
  spooledBytes: z.int(),
  exchanges: z.int(),
  /** How targets are, as this worker sees them; an older node does not say. */
  upstreams: z.array(upstreamHealth).optional(),
  refusedRevision: z.int().optional(),
  refusal: z.string().optional(),
})
/** How a node is. */
export type Heartbeat = z.output<typeof heartbeat>

/** A person's word about a target, which counts until a check or another word says otherwise. */
export const targetOrder = z.strictObject({
  /** Id of the upstream. */
  upstream: z.string(),
  /** host:port as configured. */
  target: z.string(),
  /** ip:port of one of its addresses; all of them when null. */
  address: z.string().nullable(),
  healthy: z.boolean(),
})
/** A person's word about a target. */
export type TargetOrder = z.output<typeof targetOrder>

/** What a node is told in answer to a heartbeat; an older control plane says nothing. */
export const orders = z.object({ targets: z.array(targetOrder) })
/** What a node is told in answer to a heartbeat. */
export type Orders = z.output<typeof orders>
