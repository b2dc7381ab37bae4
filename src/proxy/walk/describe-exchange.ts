import { nowMicroseconds } from '../../lib/clock.ts'
import { hideSecrets, redactPath, redactQuery } from '../../lib/redact-query.ts'
import type { Event, EventLine } from '../../schema/event.ts'
import type { Caller, Exchange, RouteRef, UpstreamResult } from '../exchange.ts'

export type NodeIdentity = {
  readonly node: string
  readonly zone: string
  readonly environment: string
}

/** The event of an exchange as a line of JSON. It is built as text, because building and serializing an object of forty columns would cost more than the rest
 *  of the walk; the parts that exchanges share are cached. */
export function describeExchange(exchange: Exchange, node: NodeIdentity): EventLine {
  const { request, upstream, caller, presentedSecrets: secrets } = exchange
  const hide = (text: string): string => (secrets === undefined ? text : hideSecrets(text, secrets))
  return (
    `{"time":"${decimalSeconds(exchange.startedAt)}","request_id":"${exchange.id}"` +
    `,"trace_id":"${traceIdOf(request.headers.get('traceparent'))}"${routeRefText(exchange.routeRef)}` +
    (caller === undefined ? anonymousText : callerText(caller)) +
    `,"outcome":"${exchange.outcome}","denied_by":"${exchange.deniedBy}","reason":"${exchange.reason}"` +
    `,"method":${quote(request.method)},"scheme":"${request.scheme}","host":${quote(hide(request.host))}` +
    `,"path":${quote(hide(redactPath(request.path, exchange.secretParameters)))},"route_path":${quote(exchange.routePath)}` +
    `,"query":${quote(hide(redactQuery(request.query, exchange.secretParameters)))}` +
    `,"status":${exchange.status},"upstream_status":${upstream.status}` +
    `,"tries":${Math.min(upstream.tries, 255)},"target":${quote(upstream.target)}${failedAttemptsText(upstream)}${durationsText(exchange)}` +
    `,"request_bytes":${exchange.body.received},"response_bytes":${exchange.responseBytes}` +
    `,"client_address":"${request.clientAddress}"` +
    `,"user_agent":${quote(hide(request.headers.get('user-agent') ?? ''))},"tls_version":"${request.tlsVersion}"` +
    `,"peer_identity":${quote(request.clientCertificate?.spiffeId ?? '')}${nodeText(node)},"revision":${exchange.revision}}`
  )
}

/** The minimal event of an exchange whose description failed. */
export function describeFailure(exchange: Exchange, { node, zone, environment }: NodeIdentity) {
  const { workspace, workspace_name, service, service_name, route, route_name } = exchange.routeRef
  return JSON.stringify({
    time: decimalSeconds(exchange.startedAt),
    request_id: exchange.id,
    workspace,
    workspace_name,
    service,
    service_name,
    route,
    route_name,
    outcome: exchange.outcome,
    reason: exchange.reason,
    status: exchange.status,
    node,
    zone,
    environment,
    revision: exchange.revision,
  })
}

/** A JSON string; most text needs no escaping. */
const quote = (text: string): string => (plain.test(text) ? `"${text}"` : JSON.stringify(text))
const plain = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/

/** The members of an object, to be inserted into another. */
const membersText = (members: Partial<Event>): string => `,${JSON.stringify(members).slice(1, -1)}`

/** Caches the text of an object for its lifetime. */
function cachedText<Subject extends object>(
  make: (subject: Subject) => string,
): (subject: Subject) => string {
  const made = new WeakMap<Subject, string>()
  return (subject) => {
    let text = made.get(subject)
    if (text === undefined) made.set(subject, (text = make(subject)))
    return text
  }
}

const routeRefText = cachedText<RouteRef>(membersText)
const nodeText = cachedText<NodeIdentity>(({ node, zone, environment }) =>
  membersText({ node, zone, environment }),
)

const noAgent = { agent: '', subject: '', issuer: '', scopes: [] }

const anonymousText = membersText({
  consumer: '',
  consumer_name: '',
  consumer_groups: [],
  principal_kind: 'anonymous',
  auth_method: '',
  credential: '',
  ...noAgent,
})

const callerText = cachedText<Caller>(({ kind, method, credential, consumer }) =>
  membersText({
    consumer: consumer.id,
    consumer_name: consumer.name,
    consumer_groups: [...new Set([...consumer.consumerGroups, ...consumer.groups])],
    principal_kind: kind,
    auth_method: method,
    credential,
    ...noAgent,
  }),
)

function failedAttemptsText({ attempts }: UpstreamResult): string {
  if (attempts.length < 2 && (attempts[0]?.failure ?? '') === '') return ',"failed_tries":[]'
  const failed = attempts.filter(({ failure }) => failure !== '')
  return membersText({
    failed_tries: failed.map(
      ({ target, failure, startedAt, endedAt }) =>
        `${target.hostPort} ${failure} ${endedAt - startedAt}`,
    ),
  })
}

function durationsText({ startedAt, upstream }: Exchange): string {
  const now = nowMicroseconds()
  const answeredAt = upstream.answeredAt === 0 ? now : upstream.answeredAt
  const upstreamTime = upstream.askedAt === 0 ? 0 : answeredAt - upstream.askedAt
  const receiveTime =
    upstream.answeredAt === 0 ? 0 : (upstream.finishedAt || now) - upstream.answeredAt
  const gatewayTime = Math.max(0, now - startedAt - upstreamTime - receiveTime)
  return `,"duration_us":${now - startedAt},"gateway_us":${gatewayTime},"upstream_us":${upstreamTime},"receive_us":${receiveTime}`
}

/** The seconds of the last event as text; the next one mostly has the same. */
let second = 0
let secondText = '0'

function decimalSeconds(microseconds: number): string {
  const seconds = Math.floor(microseconds / 1e6)
  if (seconds !== second) {
    second = seconds
    secondText = String(seconds)
  }
  return `${secondText}.${String(1e6 + microseconds - seconds * 1e6).slice(1)}`
}

const traceIdOf = (traceparent: string | undefined): string =>
  traceparent === undefined
    ? ''
    : (/^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-/.exec(traceparent)?.[1] ?? '')
