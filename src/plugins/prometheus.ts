import { z } from 'zod'
import { definePlugin } from '../proxy/plugin.ts'
import { requestSize, responseSize } from './logs/message-sizes.ts'

const flag = (about: string) => z.boolean().default(false).describe(about)

const settings = z.strictObject({
  per_consumer: flag('Label requests and bytes with the consumer.'),
  status_code_metrics: flag('Count requests by status: `kong_http_requests_total`.'),
  ai_metrics: flag('Accepted for Kong; there are no AI plugins.'),
  latency_metrics: flag(
    'Histograms of durations: `kong_request_latency_ms`, `kong_upstream_latency_ms`, `kong_kong_latency_ms`.',
  ),
  bandwidth_metrics: flag('Bytes in and out: `kong_bandwidth_bytes`.'),
  upstream_health_metrics: flag(
    'Accepted for Kong; `kong_upstream_target_health` is always there.',
  ),
  wasm_metrics: flag('Accepted for Kong; there are no WebAssembly filters.'),
})

export const prometheus = definePlugin({
  name: 'prometheus',
  about: 'Measures requests for Prometheus, in Kong’s metrics at `/metrics` of the Admin API.',
  settings,
  prepare(config, { trafficMetrics }) {
    const { per_consumer: perConsumer, status_code_metrics: statusCodes } = config
    const { latency_metrics: latencies, bandwidth_metrics: bandwidth } = config
    if (!statusCodes && !latencies && !bandwidth) return {}
    const measures = { perConsumer, statusCodes, latencies, bandwidth }
    const known = new WeakMap<object, { serviceName: string; routeName: string }>()
    return {
      onLog(exchange, event) {
        const { matched } = exchange
        if (matched === undefined) return
        let names = known.get(matched)
        if (names === undefined) {
          const { route, service } = matched
          names = {
            serviceName: service?.service.name ?? service?.service.host ?? '',
            routeName: route.name ?? route.id,
          }
          known.set(matched, names)
        }
        const ingress = bandwidth ? requestSize(exchange) : 0
        const egress = bandwidth ? responseSize(exchange) : 0
        trafficMetrics.observe(event, measures, names, ingress, egress)
      },
    }
  },
})
