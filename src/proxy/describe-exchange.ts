import { nowMicroseconds } from '../lib/clock.ts'
import { redactQuery } from '../lib/redact-query.ts'
import type { Event } from '../schema/event.ts'
import type { Caller, Exchange } from './exchange.ts'

/** Where an exchange was served. */
export type NodeIdentity = {
  readonly node: string
  readonly zone: string
  readonly environment: string
}

/** The exchange as one event: what is remembered of it for good. */
export function describeExchange(exchange: Exchange, node: NodeIdentity): Event {
  const { request, upstream } = exchange
  return {
    time: decimalSeconds(exchange.startedAt),
    request_id: exchange.id,
    trace_id: traceIdOf(request.headers.get('traceparent')),
    ...exchange.place,
    ...(exchange.caller === undefined ? nobody : describeCaller(exchange.caller)),
    outcome: exchange.outcome,
    denied_by: exchange.deniedBy,
    reason: exchange.reason,
    method: request.method,
    scheme: request.scheme,
    host: request.host,
    path: request.path,
    route_path: exchange.routePath,
    query: redactQuery(request.query, exchange.secretParameters),
    status: exchange.status,
    upstream_status: upstream.status,
    tries: Math.min(upstream.tries, 255),
    target: upstream.target,
    ...describeTimes(exchange),
    request_bytes: exchange.body.received,
    response_bytes: exchange.responseBytes,
    client_address: request.clientAddress,
    user_agent: request.headers.get('user-agent') ?? '',
    tls_version: request.tlsVersion,
    peer_identity: request.peer?.spiffeId ?? '',
    node: node.node,
    zone: node.zone,
    environment: node.environment,
    revision: exchange.revision,
  }
}

const nobody = {
  consumer: '',
  consumer_name: '',
  consumer_groups: [] as readonly string[],
  principal_kind: 'anonymous',
  agent: '',
  auth_method: '',
  credential: '',
  subject: '',
  issuer: '',
  scopes: [] as readonly string[],
}

const describeCaller = ({ kind, method, credential, consumer }: Caller): typeof nobody => ({
  ...nobody,
  consumer: consumer.id,
  consumer_name: consumer.name,
  consumer_groups: consumer.groups,
  principal_kind: kind,
  auth_method: method,
  credential,
})

function describeTimes({ startedAt, upstream }: Exchange) {
  const now = nowMicroseconds()
  const answeredAt = upstream.answeredAt === 0 ? now : upstream.answeredAt
  const upstreamTime = upstream.askedAt === 0 ? 0 : answeredAt - upstream.askedAt
  const receiveTime =
    upstream.answeredAt === 0 ? 0 : (upstream.finishedAt || now) - upstream.answeredAt
  return {
    duration_us: clamp(now - startedAt),
    gateway_us: clamp(now - startedAt - upstreamTime - receiveTime),
    upstream_us: clamp(upstreamTime),
    receive_us: clamp(receiveTime),
  }
}

const clamp = (microseconds: number): number => Math.min(Math.max(microseconds, 0), 0xffff_ffff)

function decimalSeconds(microseconds: number): string {
  const seconds = Math.floor(microseconds / 1e6)
  return `${seconds}.${String(microseconds - seconds * 1e6).padStart(6, '0')}`
}

const traceIdOf = (traceparent: string | undefined): string =>
  /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-/.exec(traceparent ?? '')?.[1] ?? ''
