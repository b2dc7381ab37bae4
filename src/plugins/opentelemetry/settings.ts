import { z } from 'zod'
import { between, optional } from '../../entities/fields.ts'
import { referenceable } from '../../entities/referenceable-fields.ts'
import { customFieldsByLua, headerName, httpUrl } from '../logs/log-settings.ts'
import { queueSettings } from '../logs/queue-settings.ts'
import { formats } from './propagation.ts'

const milliseconds = () => between(0, 2 ** 31 - 2)
const endpoint = () => optional(referenceable(httpUrl()))
const flag = (about: string) => z.boolean().default(false).describe(about)
const notSupported = { error: `not supported; expected some of: ${formats.join(', ')}` }
const format = z.enum(formats, notSupported)

const propagation = z
  .strictObject({
    extract: optional(z.array(z.enum(['w3c', 'b3'], notSupported))).describe(
      'Formats in which the trace context of clients is read; the first one found is used.',
    ),
    clear: optional(z.array(headerName())).describe('Headers that are not forwarded to services.'),
    inject: optional(z.array(z.enum(['preserve', ...formats], notSupported))).describe(
      'Formats in which the context is forwarded to services; preserve is the format that was read.',
    ),
    default_format: format
      .default('w3c')
      .describe('The format of `preserve` where no context was read.'),
  })
  .prefault({})
  .meta({ isFilled: true })

const accessLogs = z.strictObject({
  endpoint: endpoint().describe('OTLP/HTTP URL that receives a log record for each request.'),
  custom_attributes_by_lua: customFieldsByLua(),
})

const metrics = z.strictObject({
  endpoint: endpoint().describe('OTLP/HTTP URL that receives metrics.'),
  push_interval: z
    .number()
    .min(1, { error: 'value should be at least 1' })
    .default(60)
    .describe('Seconds between two exports.'),
  enable_request_metrics: flag('Export `http.server.request.count`.'),
  enable_latency_metrics: flag(
    'Export `kong.latency.total`, `kong.latency.internal` and `kong.latency.upstream`.',
  ),
  enable_bandwidth_metrics: flag(
    'Export `http.server.request.size` and `http.server.response.size`.',
  ),
  enable_consumer_attribute: flag('Label counts and sizes with the consumer.'),
  enable_upstream_health_metrics: flag('Accepted for Kong; see `/metrics` of the Admin API.'),
  enable_ai_metrics: flag('Accepted for Kong; there are no AI plugins.'),
})

/** Members of Kong Enterprise are not listed in schemas, because decK compares what is listed. */
const unlisted = <T extends z.ZodObject>(record: T, about: string) =>
  record.nullable().optional().describe(about).meta({ isUnlisted: true })

export const settings = z.strictObject({
  traces_endpoint: endpoint().describe('OTLP/HTTP URL that receives spans.'),
  logs_endpoint: endpoint().describe(
    'OTLP/HTTP URL that receives a log record for each request that was refused or failed.',
  ),
  access_logs: unlisted(accessLogs, 'A log record for each request.'),
  metrics: unlisted(metrics, 'Metrics of the requests of this plugin.'),
  headers: optional(z.record(headerName(), referenceable(z.string()))).describe(
    'Headers of the requests to the endpoints.',
  ),
  resource_attributes: optional(
    z.record(z.string().min(1), z.string().min(1, { error: 'required field missing' })),
  ).describe(
    'Attributes of the resource, beside service.name, service.version and service.instance.id.',
  ),
  queue: queueSettings(200).describe('Batching, retries and limits of the queue.'),
  connect_timeout: milliseconds()
    .default(1_000)
    .describe('Milliseconds; the three timeouts together are that of a request.'),
  send_timeout: milliseconds().default(5_000).describe('Milliseconds.'),
  read_timeout: milliseconds().default(5_000).describe('Milliseconds.'),
  http_response_header_for_traceid: optional(headerName()).describe(
    'Header of responses that has the id of the trace.',
  ),
  header_type: z
    .enum(['preserve', 'ignore', ...formats], notSupported)
    .default('preserve')
    .describe('Deprecated: use `propagation`.'),
  sampling_rate: optional(z.number().min(0).max(1)).describe(
    'Share of the traces that are exported. By default all, unless the client decided otherwise.',
  ),
  sampling_strategy: z
    .enum(['parent_drop_probability_fallback', 'parent_probability_fallback'])
    .optional()
    .describe(
      'With a sampling rate: whether only the decision of a client not to sample is respected, or either decision.',
    )
    .meta({ isUnlisted: true }),
  propagation: propagation.describe('Extraction and injection of the trace context.'),
})

export const acceptedSettings = settings.superRefine((given, context) => {
  const {
    traces_endpoint: traces,
    logs_endpoint: logs,
    access_logs: access,
    metrics: measured,
  } = given
  if ((traces ?? logs ?? access?.endpoint ?? measured?.endpoint ?? null) !== null) return
  context.addIssue({
    code: 'custom',
    path: [],
    message:
      "at least one of these fields must be non-empty: 'config.traces_endpoint', 'config.logs_endpoint'",
  })
})

export type Settings = z.output<typeof settings>
