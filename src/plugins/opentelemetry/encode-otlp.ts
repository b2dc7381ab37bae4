import type { EventRecord } from '../../schema/event.ts'
import { latencyBuckets, type RouteTraffic } from '../../schema/traffic-report.ts'
import type { Attempt } from '../../proxy/exchange.ts'
import { ProtobufWriter } from './protobuf-writer.ts'

export type Attributes = Readonly<Record<string, string | number>>

/** The ids of the spans of an exchange. */
export type TraceContext = {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string
  readonly traceState: string
  /** The span of the last attempt, which is the parent in the service's trace. */
  readonly upstreamSpanId: string
  readonly isSampled: boolean
}

/** A request body of OTLP: all signals have a resource with a scope with entries, in the same fields. */
export function encodeExport(entries: readonly Uint8Array[], resource: Attributes): Buffer {
  const writer = new ProtobufWriter()
  writer.message(1, () => {
    writer.message(1, () => writeAttributes(writer, 1, resource))
    writer.message(2, () => {
      writer.message(1, () => writer.text(1, 'weir'))
      for (const entry of entries) writer.bytes(2, entry)
    })
  })
  return writer.take()
}

const shared = new ProtobufWriter()

const kinds = { server: 2, client: 3 } as const
const statusError = 2

/** The span of a request, by OpenTelemetry's semantic conventions for HTTP servers. */
export function encodeServerSpan(event: EventRecord, context: TraceContext): Buffer {
  const { method, route_path: route, time, duration_us: duration } = event
  writeSpan(shared, {
    ...context,
    kind: kinds.server,
    name: route === '' ? method : `${method} ${route}`,
    startedAt: time,
    endedAt: time + duration,
    attributes: describeRequest(event),
    failure: event.status >= 500 ? event.reason : undefined,
  })
  return shared.take()
}

/** The span of an attempt. */
export function encodeClientSpan(
  attempt: Attempt,
  method: string,
  context: TraceContext & { readonly attemptSpanId: string; readonly endedAt: number },
  retries: number,
): Buffer {
  const { target, status, failure } = attempt
  writeSpan(shared, {
    ...context,
    spanId: context.attemptSpanId,
    parentSpanId: context.spanId,
    kind: kinds.client,
    name: method,
    startedAt: attempt.startedAt,
    endedAt: context.endedAt,
    attributes: {
      'http.request.method': method,
      'server.address': target.name,
      'server.port': target.port,
      'network.peer.address': target.host,
      'network.peer.port': target.port,
      'http.request.resend_count': retries,
      'http.response.status_code': status,
      'error.type': failure,
    },
    failure: failure !== '' || status >= 400 ? failure : undefined,
  })
  return shared.take()
}

type Span = Pick<TraceContext, 'traceId' | 'spanId' | 'parentSpanId' | 'traceState'> & {
  readonly kind: number
  readonly name: string
  /** Microseconds since the epoch. */
  readonly startedAt: number
  readonly endedAt: number
  readonly attributes: Attributes
  /** Description of the error status; undefined without an error. */
  readonly failure: string | undefined
}

function writeSpan(writer: ProtobufWriter, span: Span): void {
  writer.hex(1, span.traceId)
  writer.hex(2, span.spanId)
  if (span.traceState !== '') writer.text(3, span.traceState)
  if (span.parentSpanId !== '') writer.hex(4, span.parentSpanId)
  writer.text(5, span.name)
  writer.varint(6, span.kind)
  writer.nanoseconds(7, span.startedAt)
  writer.nanoseconds(8, span.endedAt)
  writeAttributes(writer, 9, span.attributes)
  const { failure } = span
  if (failure !== undefined)
    writer.message(15, () => {
      if (failure !== '') writer.text(2, failure)
      writer.varint(3, statusError)
    })
}

const severities = { info: [9, 'INFO'], warn: [13, 'WARN'], error: [17, 'ERROR'] } as const

/** A log record of a request. */
export function encodeLogRecord(event: EventRecord, context: TraceContext): Buffer {
  const { status, time, duration_us: duration } = event
  const level = status >= 500 ? 'error' : status >= 400 ? 'warn' : 'info'
  const [number, text] = severities[level]
  const endedAt = time + duration
  shared.nanoseconds(1, endedAt)
  shared.varint(2, number)
  shared.text(3, text)
  shared.message(5, () => shared.text(1, `${event.method} ${event.path} ${status}`))
  writeAttributes(shared, 6, {
    ...describeRequest(event),
    'http.server.request.duration': event.duration_us / 1e6,
    'kong.latency.internal': event.gateway_us / 1_000,
    'kong.latency.upstream': event.upstream_us / 1_000,
  })
  shared.fixed32(8, context.isSampled ? 1 : 0)
  shared.hex(9, context.traceId)
  shared.hex(10, context.spanId)
  shared.nanoseconds(11, endedAt)
  return shared.take()
}

/** Empty attributes are omitted. */
const describeRequest = (event: EventRecord): Attributes => ({
  'http.request.method': event.method,
  'url.scheme': event.scheme,
  'url.path': event.path,
  'url.query': event.query,
  'server.address': event.host,
  'http.route': event.route_path,
  'http.response.status_code': event.status,
  'error.type': event.status >= 500 ? event.reason : '',
  'client.address': event.client_address,
  'user_agent.original': event.user_agent,
  'tls.protocol.version': event.tls_version,
  'http.request.body.size': event.request_bytes,
  'http.response.body.size': event.response_bytes,
  'kong.request.id': event.request_id.replaceAll('-', ''),
  'kong.service.id': event.place.service,
  'kong.service.name': event.place.service_name,
  'kong.route.id': event.place.route,
  'kong.route.name': event.place.route_name,
  'kong.workspace': event.place.workspace_name,
  'kong.consumer.id': event.caller.consumer,
  'kong.consumer.name': event.caller.consumer_name,
  'weir.outcome': event.outcome,
  'weir.denied_by': event.denied_by,
  'weir.reason': event.reason,
})

function writeAttributes(writer: ProtobufWriter, field: number, attributes: Attributes): void {
  for (const name in attributes) {
    const value = attributes[name] as string | number
    if (value === '' || value === 0) continue
    writer.message(field, () => {
      writer.text(1, name)
      writer.message(2, () => {
        if (typeof value === 'string') writer.text(1, value)
        else if (Number.isInteger(value)) writer.varint(3, value)
        else writer.double(4, value)
      })
    })
  }
}

const cumulative = 2

/** Metrics since the start, in the names of Kong Enterprise. Times are in microseconds since the epoch. */
export function encodeMetrics(
  routes: readonly RouteTraffic[],
  startedAt: number,
  now: number,
): Buffer[] {
  const placed = routes.map((route) => ({
    route,
    attributes: {
      'kong.service.name': route.serviceName,
      'kong.route.name': route.routeName,
      'kong.workspace.name': route.workspaceName,
    },
  }))
  const sum = (name: string, unit: string, points: readonly Point[]): Buffer[] => {
    if (points.length === 0) return []
    shared.text(1, name)
    shared.text(3, unit)
    shared.message(7, () => {
      for (const { attributes, value } of points)
        shared.message(1, () => {
          shared.nanoseconds(2, startedAt)
          shared.nanoseconds(3, now)
          shared.fixed64(6, value)
          writeAttributes(shared, 7, attributes)
        })
      shared.varint(2, cumulative)
      shared.varint(3, 1)
    })
    return [shared.take()]
  }
  const callers = placed.flatMap(({ route, attributes }) =>
    route.callers.map((caller) => ({
      ...caller,
      attributes: { ...attributes, 'kong.consumer.name': caller.name },
    })),
  )
  const sizes = (of: 'ingress' | 'egress'): Point[] =>
    callers.flatMap((caller) =>
      caller[of] === 0 ? [] : [{ attributes: caller.attributes, value: caller[of] }],
    )
  const counts = callers.flatMap(({ codes, attributes }) =>
    Array.from({ length: codes.length / 3 }, (_, at) => ({
      attributes: {
        ...attributes,
        'http.response.status_code': codes[at * 3] as number,
        'kong.response.source': codes[at * 3 + 1] === 1 ? 'service' : 'kong',
      },
      value: codes[at * 3 + 2] as number,
    })),
  )
  return [
    ...sum('http.server.request.count', '{request}', counts),
    ...sum('http.server.request.size', 'By', sizes('ingress')),
    ...sum('http.server.response.size', 'By', sizes('egress')),
    ...(['total', 'internal', 'upstream'] as const).flatMap((name) =>
      encodeLatency(name, placed, startedAt, now),
    ),
  ]
}

type Point = { readonly attributes: Attributes; readonly value: number }

const latencyNames = { total: 'request', internal: 'kong', upstream: 'upstream' } as const

function encodeLatency(
  name: keyof typeof latencyNames,
  placed: readonly { readonly route: RouteTraffic; readonly attributes: Attributes }[],
  startedAt: number,
  now: number,
): Buffer[] {
  const bounds = latencyBuckets[latencyNames[name]]
  const rows = placed.flatMap(({ route, attributes }) => {
    const counts = route.latencies[latencyNames[name]]
    return counts === undefined ? [] : [{ counts, attributes }]
  })
  if (rows.length === 0) return []
  shared.text(1, `kong.latency.${name}`)
  shared.text(3, 'ms')
  shared.message(9, () => {
    for (const { counts, attributes } of rows)
      shared.message(1, () => {
        const buckets = counts.slice(0, bounds.length + 1)
        shared.nanoseconds(2, startedAt)
        shared.nanoseconds(3, now)
        shared.fixed64(
          4,
          buckets.reduce((total, count) => total + count, 0),
        )
        shared.double(5, counts[bounds.length + 1] ?? 0)
        for (const count of buckets) shared.fixed64(6, count)
        for (const bound of bounds) shared.double(7, bound)
        writeAttributes(shared, 9, attributes)
      })
    shared.varint(2, cumulative)
  })
  return [shared.take()]
}
