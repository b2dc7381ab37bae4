import { nowMicroseconds } from '../../lib/clock.ts'
import { hideSecrets, redactPath, redactQuery } from '../../lib/redact-query.ts'
import type { EventRecord, PartOf } from '../../schema/event.ts'
import { scopeOf, type Caller } from '../directory.ts'
import type { Exchange, UpstreamResult } from '../exchange.ts'

export type NodeIdentity = {
  readonly node: string
  readonly zone: string
  readonly environment: string
}

/** The event of an exchange. Shared values are the same object in each event. */
export function describeExchange(exchange: Exchange, node: NodeIdentity): EventRecord {
  const { request, upstream, caller, presentedSecrets: secrets, startedAt } = exchange
  const hide = (text: string): string => (secrets === undefined ? text : hideSecrets(text, secrets))
  const now = nowMicroseconds()
  const answeredAt = upstream.answeredAt === 0 ? now : upstream.answeredAt
  const upstreamTime = upstream.askedAt === 0 ? 0 : answeredAt - upstream.askedAt
  const receiveTime =
    upstream.answeredAt === 0 ? 0 : (upstream.finishedAt || now) - upstream.answeredAt
  return {
    place: exchange.routeRef,
    caller: caller === undefined ? anonymous : callerPart(caller),
    node,
    time: startedAt,
    request_id: exchange.id,
    trace_id: exchange.traceId || traceIdOf(request.headers.get('traceparent')),
    outcome: exchange.outcome,
    denied_by: exchange.deniedBy,
    reason: exchange.reason,
    method: request.method,
    scheme: request.scheme,
    host: hide(request.host),
    path: hide(redactPath(request.path, exchange.secretParameters)),
    route_path: exchange.routePath,
    query: hide(redactQuery(request.query, exchange.secretParameters)),
    status: exchange.status,
    upstream_status: upstream.status,
    tries: Math.min(upstream.tries, 255),
    target: upstream.target,
    failed_tries: failedAttempts(upstream),
    duration_us: now - startedAt,
    gateway_us: Math.max(0, now - startedAt - upstreamTime - receiveTime),
    upstream_us: upstreamTime,
    receive_us: receiveTime,
    request_bytes: exchange.body.received,
    response_bytes: exchange.responseBytes,
    client_address: request.clientAddress,
    user_agent: hide(request.headers.get('user-agent') ?? ''),
    tls_version: request.tlsVersion,
    peer_identity: request.clientCertificate?.spiffeId ?? '',
    revision: exchange.revision,
  }
}

/** The minimal event of an exchange whose description failed. */
export function describeFailure(exchange: Exchange, node: NodeIdentity): EventRecord {
  return {
    place: exchange.routeRef,
    caller: unknownCaller,
    node,
    time: exchange.startedAt,
    request_id: exchange.id,
    trace_id: '',
    outcome: exchange.outcome,
    denied_by: '',
    reason: exchange.reason,
    method: '',
    scheme: '',
    host: '',
    path: '',
    route_path: '',
    query: '',
    status: exchange.status,
    upstream_status: 0,
    tries: 0,
    target: '',
    failed_tries: noTexts,
    duration_us: 0,
    gateway_us: 0,
    upstream_us: 0,
    receive_us: 0,
    request_bytes: 0,
    response_bytes: 0,
    client_address: '',
    user_agent: '',
    tls_version: '',
    peer_identity: '',
    revision: exchange.revision,
  }
}

const noTexts: readonly string[] = []

const unknownCaller: PartOf<'caller'> = {
  consumer: '',
  consumer_name: '',
  consumer_groups: noTexts,
  principal_kind: '',
  agent: '',
  auth_method: '',
  credential: '',
  subject: '',
  issuer: '',
  scopes: noTexts,
}

const anonymous: PartOf<'caller'> = { ...unknownCaller, principal_kind: 'anonymous' }

const nobody = { id: '', name: '', groups: noTexts, consumerGroups: noTexts }

const noIdentity = { agent: '', subject: '', issuer: '', scopes: noTexts, groups: noTexts }

const callerParts = new WeakMap<Caller, PartOf<'caller'>>()

/** The same object for the lifetime of a caller. */
function callerPart(caller: Caller): PartOf<'caller'> {
  let part = callerParts.get(caller)
  if (part === undefined) {
    const { kind, method, credential, consumer = nobody, identity = noIdentity } = caller
    const { consumerGroups } = scopeOf(caller) ?? consumer
    const { agent, subject, issuer, scopes } = identity
    part = {
      consumer: consumer.id,
      consumer_name: consumer.name,
      consumer_groups: [...new Set([...consumerGroups, ...consumer.groups, ...identity.groups])],
      principal_kind: kind,
      agent,
      auth_method: method,
      credential,
      subject,
      issuer,
      scopes,
    }
    callerParts.set(caller, part)
  }
  return part
}

function failedAttempts({ attempts }: UpstreamResult): readonly string[] {
  if (attempts.length < 2 && (attempts[0]?.failure ?? '') === '') return noTexts
  return attempts
    .filter(({ failure }) => failure !== '')
    .map(
      ({ target, failure, startedAt, endedAt }) =>
        `${target.hostPort} ${failure} ${endedAt - startedAt}`,
    )
}

const traceIdOf = (traceparent: string | undefined): string =>
  traceparent === undefined
    ? ''
    : (/^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-/.exec(traceparent)?.[1] ?? '')
