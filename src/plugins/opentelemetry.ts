import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { nowMicroseconds } from '../lib/clock.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { definePlugin, type PluginTools, type PluginUse } from '../proxy/plugin.ts'
import type { EventRecord } from '../schema/event.ts'
import type { Exporter } from '../schema/exporter.ts'
import { openTrafficMetrics } from '../telemetry/open-traffic-metrics.ts'
import { requestSize, responseSize } from './logs/message-sizes.ts'
import {
  encodeClientSpan,
  encodeExport,
  encodeLogRecord,
  encodeMetrics,
  encodeServerSpan,
  type TraceContext,
} from './opentelemetry/encode-otlp.ts'
import {
  extract,
  inject,
  isWithinRate,
  randomId,
  type Extracted,
  type Format,
  type Injected,
} from './opentelemetry/propagation.ts'
import { acceptedSettings, settings, type Settings } from './opentelemetry/settings.ts'

export const opentelemetry = definePlugin({
  name: 'opentelemetry',
  about: 'Propagates trace context, and exports spans, logs and metrics over OTLP.',
  settings,
  acceptedSettings,
  prepare(config, tools) {
    const { http_response_header_for_traceid: header, propagation } = config
    const { extracted: formats, injected } = propagationOf(config)
    const open = openEndpoints(config, tools)
    const traces = open(config.traces_endpoint)
    const logs = open(config.logs_endpoint)
    const accessLogs = open(config.access_logs?.endpoint)
    const metrics = openMetrics(config, open(config.metrics?.endpoint))
    const contexts = new WeakMap<Exchange, TraceContext>()

    const begin = (exchange: Exchange): Extracted | undefined => {
      const found = extract(exchange.request.headers, formats)
      const traceId = found?.traceId ?? randomId(16)
      const isW3c = found?.format === 'w3c'
      contexts.set(exchange, {
        traceId,
        spanId: randomId(8),
        parentSpanId: found?.spanId ?? '',
        traceState: isW3c ? exchange.request.headers.all('tracestate').join(',') : '',
        upstreamSpanId: traces === undefined ? '' : randomId(8),
        isSampled: traces !== undefined && isSampled(config, traceId, found?.isSampled),
      })
      exchange.traceId = traceId
      exchange.logValues = { ...exchange.logValues, trace_id: { w3c: traceId } }
      return found
    }
    /** A plugin before this one may have refused the request. */
    const contextOf = (exchange: Exchange): TraceContext => {
      if (!contexts.has(exchange)) begin(exchange)
      return contexts.get(exchange) as TraceContext
    }

    return {
      onRequest(exchange) {
        const found = begin(exchange)
        const { forward } = exchange
        const context = contexts.get(exchange)
        if (forward === undefined || context === undefined) return
        for (const name of propagation.clear ?? []) forward.headers.delete(name.toLowerCase())
        // It belongs to the trace of its traceparent (W3C Trace Context section 3.3).
        if (found?.format !== 'w3c') forward.headers.delete('tracestate')
        const passed = passedOn(context)
        for (const one of injected) {
          const format = one === 'preserve' ? (found?.format ?? propagation.default_format) : one
          inject(forward, format, passed)
        }
      },
      onResponse(exchange) {
        if (header !== null) exchange.answerHeaders.set(header, contextOf(exchange).traceId)
      },
      onLog(exchange, event) {
        const context = contextOf(exchange)
        metrics?.observe(exchange, event)
        if (traces !== undefined && context.isSampled) addSpans(traces, exchange, event, context)
        if (accessLogs !== undefined) add(accessLogs, encodeLogRecord(event, context))
        if (logs !== undefined && event.outcome !== 'allowed')
          add(logs, encodeLogRecord(event, context))
      },
      close() {
        metrics?.close()
        for (const exporter of [traces, logs, accessLogs]) exporter?.close()
      },
    }
  },
})

/** The service's parent is the span of its attempt, where there is one. */
const passedOn = ({ upstreamSpanId, ...context }: TraceContext): Injected =>
  upstreamSpanId === ''
    ? context
    : { ...context, spanId: upstreamSpanId, parentSpanId: context.spanId }

const add = (exporter: Exporter<Uint8Array>, entry: Uint8Array): void =>
  exporter.add(entry, entry.length)

function addSpans(
  traces: Exporter<Uint8Array>,
  { upstream, request }: Exchange,
  event: EventRecord,
  context: TraceContext,
): void {
  add(traces, encodeServerSpan(event, context))
  const { attempts, finishedAt } = upstream
  for (const [at, attempt] of attempts.entries()) {
    const isLast = at === attempts.length - 1
    const attemptSpanId = isLast ? context.upstreamSpanId : randomId(8)
    const endedAt = Math.max(attempt.endedAt, attempt.startedAt, isLast ? finishedAt : 0)
    add(
      traces,
      encodeClientSpan(attempt, request.method, { ...context, attemptSpanId, endedAt }, at),
    )
  }
}

function propagationOf({ propagation, header_type: legacy }: Settings): {
  readonly extracted: readonly Format[]
  readonly injected: readonly ('preserve' | Format)[]
} {
  const { extract: from, clear, inject: to, default_format: initial } = propagation
  if (from !== null || clear !== null || to !== null)
    return { extracted: from ?? [], injected: to ?? [] }
  if (legacy === 'ignore') return { extracted: [], injected: [initial] }
  return {
    extracted: ['b3', 'w3c'],
    injected: legacy === 'preserve' ? ['preserve'] : ['preserve', legacy],
  }
}

/** Without a rate the client decides, or else all traces are exported. */
function isSampled(
  { sampling_rate: rate, sampling_strategy: strategy }: Settings,
  traceId: string,
  decided: boolean | undefined,
): boolean {
  if (decided === false) return false
  if (rate === null || (decided === true && strategy === 'parent_probability_fallback')) return true
  return isWithinRate(traceId, rate)
}

function openEndpoints(config: Settings, { openExporter }: PluginTools) {
  const resource = {
    'service.name': 'weir',
    'service.instance.id': instance,
    'host.name': hostname(),
    ...config.resource_attributes,
  }
  return (url: string | null | undefined): Exporter<Uint8Array> | undefined =>
    url === null || url === undefined
      ? undefined
      : openExporter<Uint8Array>({
          target: {
            kind: 'http',
            url,
            method: 'POST',
            headers: { ...config.headers, 'Content-Type': 'application/x-protobuf' },
            timeout: config.connect_timeout + config.send_timeout + config.read_timeout,
            keepalive: 60_000,
          },
          queue: config.queue,
          encode: (entries) => encodeExport(entries, resource),
        })
}

/** Of this worker. */
const instance = randomUUID()

/** Metrics are cumulative: an export that is lost is contained in the next. */
function openMetrics({ metrics: config }: Settings, exporter: Exporter<Uint8Array> | undefined) {
  if (exporter === undefined || config === null || config === undefined) return undefined
  const traffic = openTrafficMetrics()
  const measures = {
    perConsumer: config.enable_consumer_attribute,
    statusCodes: config.enable_request_metrics,
    latencies: config.enable_latency_metrics,
    bandwidth: config.enable_bandwidth_metrics,
  }
  let timer: NodeJS.Timeout | undefined
  const push = (): void => {
    const { routes, startedAt } = traffic.report()
    for (const entry of encodeMetrics(routes, startedAt * 1_000, nowMicroseconds()))
      add(exporter, entry)
  }
  return {
    observe(exchange: Exchange, event: EventRecord): void {
      // Programs that serve no requests have no timer.
      timer ??= setInterval(push, config.push_interval * 1_000).unref()
      const { matched } = exchange
      if (matched === undefined) return
      const { route, service } = matched
      const names = {
        serviceName: service?.service.name ?? service?.service.host ?? '',
        routeName: route.name ?? route.id,
      }
      traffic.observe(event, measures, names, requestSize(exchange), responseSize(exchange))
    },
    close(): void {
      clearInterval(timer)
      if (timer !== undefined) push()
      exporter.close()
    },
  } satisfies { observe: NonNullable<PluginUse['onLog']>; close: () => void }
}
