import fc from 'fast-check'
import { expect, test } from 'vitest'
import { opentelemetry } from '../../src/plugins/opentelemetry.ts'
import { openGateway } from '../harness/open-gateway.ts'
import { startUpstream, type Echo } from '../harness/start-upstream.ts'
import { until } from '../harness/until.ts'

// OpenTelemetry's own decoder, which has no types.
const decoder: string = '@opentelemetry/otlp-transformer/build/src/generated/root.js'
// oxlint-disable-next-line typescript/no-explicit-any -- as above
const { default: root } = (await import(decoder)) as { default: any }
const otlp = root.opentelemetry

const signals = {
  '/v1/traces': otlp.proto.collector.trace.v1.ExportTraceServiceRequest,
  '/v1/logs': otlp.proto.collector.logs.v1.ExportLogsServiceRequest,
  '/v1/access': otlp.proto.collector.logs.v1.ExportLogsServiceRequest,
  '/v1/metrics': otlp.proto.collector.metrics.v1.ExportMetricsServiceRequest,
} as const

type Path = keyof typeof signals
// oxlint-disable-next-line typescript/no-explicit-any -- decoded messages
type Decoded = Record<string, any>

/** Decodes what it receives. */
async function startCollector() {
  const received = new Map<Path, Decoded[]>()
  const headers: Record<string, unknown>[] = []
  const { port } = await startUpstream(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request as AsyncIterable<Buffer>) parts.push(part)
    const path = request.url as Path
    const type = signals[path]
    const message = type.toObject(type.decode(Buffer.concat(parts)), {
      longs: Number,
      enums: String,
    }) as Decoded
    headers.push(request.headers)
    received.set(path, [...(received.get(path) ?? []), message])
    response.end()
  })
  return {
    url: (path: Path) => `http://127.0.0.1:${port}${path}`,
    headers,
    messages: (path: Path) => received.get(path) ?? [],
    spans: (): Decoded[] =>
      (received.get('/v1/traces') ?? []).flatMap(({ resourceSpans }) =>
        resourceSpans.flatMap(({ scopeSpans }: Decoded) =>
          scopeSpans.flatMap(({ spans }: Decoded) => spans as Decoded[]),
        ),
      ),
    logs: (path: '/v1/logs' | '/v1/access'): Decoded[] =>
      (received.get(path) ?? []).flatMap(({ resourceLogs }) =>
        resourceLogs.flatMap(({ scopeLogs }: Decoded) =>
          scopeLogs.flatMap(({ logRecords }: Decoded) => logRecords as Decoded[]),
        ),
      ),
  }
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

const attributesOf = ({ attributes }: Decoded): Decoded =>
  Object.fromEntries(
    attributes.map(({ key, value }: Decoded) => [key, Object.values(value as object)[0]]),
  )

const quick = { max_coalescing_delay: 0 }

async function gatewayWith(config: object, plugins: readonly Record<string, unknown>[] = []) {
  const upstream = await startUpstream()
  const gateway = await openGateway({
    services: [{ name: 'echo', host: '127.0.0.1', port: upstream.port, path: '/base' }],
    routes: [{ name: 'all', paths: ['/'], service: 'echo' }],
    consumers: { ann: { keys: ['ann-key'] } },
    plugins: [...plugins, { name: 'opentelemetry', config: { queue: quick, ...config } }],
  })
  return { ...gateway, upstream }
}

const trace = '0af7651916cd43dd8448eb211c80319c'
const parent = 'b7ad6b7169203331'

test('exports a span for a request and for its attempt in the trace of the client, which the service continues', async () => {
  const collector = await startCollector()
  const { ask, events, upstream } = await gatewayWith({
    traces_endpoint: collector.url('/v1/traces'),
    headers: { 'x-auth-token': 'secret' },
    resource_attributes: { 'service.name': 'edge', team: 'a' },
    http_response_header_for_traceid: 'x-trace',
  })
  const response = await ask('/p/ü?token=SECRET&x=1', {
    headers: { traceparent: `00-${trace}-${parent}-01`, tracestate: 'a=1,b=2' },
  })
  expect(response.headers.get('x-trace')).toBe(trace)
  const { headers } = (await response.json()) as Echo
  await until('both spans', () => collector.spans().length === 2)
  const [server, client] = collector.spans() as [Decoded, Decoded]
  expect(headers['traceparent']).toBe(`00-${trace}-${hex(client['spanId'])}-01`)
  expect(headers['tracestate']).toBe('a=1,b=2')
  const event = events[0]
  expect([hex(server['traceId']), hex(client['traceId']), event?.trace_id]).toEqual([
    trace,
    trace,
    trace,
  ])
  expect(hex(server['parentSpanId'])).toBe(parent)
  expect(hex(client['parentSpanId'])).toBe(hex(server['spanId']))
  expect(server).toMatchObject({ name: 'GET /', kind: 'SPAN_KIND_SERVER', traceState: 'a=1,b=2' })
  expect(client).toMatchObject({ name: 'GET', kind: 'SPAN_KIND_CLIENT' })
  const micros = Number(event?.time.replace('.', ''))
  expect(server['startTimeUnixNano'] / 1_000).toBeCloseTo(micros, -1)
  expect((server['endTimeUnixNano'] - server['startTimeUnixNano']) / 1_000).toBeCloseTo(
    event?.duration_us ?? 0,
    -1,
  )
  expect(attributesOf(server)).toMatchObject({
    'http.request.method': 'GET',
    'url.path': '/p/%C3%BC',
    'url.query': 'token=REDACTED&x=1',
    'http.response.status_code': 200,
    'http.route': '/',
    'kong.service.name': 'echo',
    'kong.route.name': 'all',
    'weir.outcome': 'allowed',
  })
  expect(attributesOf(client)).toMatchObject({
    'network.peer.address': '127.0.0.1',
    'network.peer.port': upstream.port,
    'http.response.status_code': 200,
  })
  const [message] = collector.messages('/v1/traces') as [Decoded]
  const [{ resource }] = message['resourceSpans']
  expect(attributesOf(resource)).toMatchObject({ 'service.name': 'edge', team: 'a' })
  expect(collector.headers[0]).toMatchObject({
    'content-type': 'application/x-protobuf',
    'x-auth-token': 'secret',
  })
})

test('each attempt has a span, and a failure its reason', async () => {
  const collector = await startCollector()
  const gateway = await openGateway({
    services: [{ name: 'down', host: '127.0.0.1', port: 1, retries: 2 }],
    routes: [{ name: 'all', paths: ['/'], service: 'down' }],
    plugins: [
      {
        name: 'opentelemetry',
        config: { traces_endpoint: collector.url('/v1/traces'), queue: quick },
      },
    ],
  })
  expect((await gateway.ask('/')).status).toBe(502)
  await until('four spans', () => collector.spans().length === 4)
  const [server, ...attempts] = collector.spans() as [Decoded, ...Decoded[]]
  expect(server['status']).toMatchObject({ code: 'STATUS_CODE_ERROR', message: 'upstream.invalid' })
  expect(new Set([server, ...attempts].map(({ spanId }) => hex(spanId))).size).toBe(4)
  for (const { parentSpanId, status } of attempts)
    expect([hex(parentSpanId), status.message]).toEqual([hex(server['spanId']), 'upstream.invalid'])
})

test.each([
  [
    {},
    { b3: `${trace}-${parent}-1` },
    { b3: new RegExp(`^${trace}-[\\da-f]{16}-1-[\\da-f]{16}$`) },
  ],
  [
    {},
    { 'x-b3-traceid': trace.slice(16), 'x-b3-spanid': parent, 'x-b3-sampled': '1' },
    { 'x-b3-traceid': `${'0'.repeat(16)}${trace.slice(16)}`, 'x-b3-sampled': '1' },
  ],
  [{}, { traceparent: `00-${trace}-${parent}-00` }, { traceparent: /-00$/ }],
  [{}, {}, { traceparent: /^00-[\da-f]{32}-[\da-f]{16}-01$/ }],
  [
    { extract: ['w3c'], inject: ['w3c', 'b3'], clear: ['x-internal'] },
    { traceparent: `00-${trace}-${parent}-01`, 'x-internal': 'a' },
    { traceparent: new RegExp(trace), 'x-b3-traceid': trace, 'x-internal': undefined },
  ],
  [
    { extract: [], inject: ['w3c'] },
    { traceparent: `00-${trace}-${parent}-01`, tracestate: 'a=1' },
    { traceparent: new RegExp(`^00-(?!${trace})`), tracestate: undefined },
  ],
  [
    { extract: ['w3c'], inject: [] },
    { traceparent: `00-${trace}-${parent}-01` },
    { traceparent: `00-${trace}-${parent}-01` },
  ],
] as const)('passes the context on by %j from %j', async (propagation, sent, expected) => {
  const collector = await startCollector()
  const { ask } = await gatewayWith({ traces_endpoint: collector.url('/v1/traces'), propagation })
  const { headers } = (await (await ask('/', { headers: { ...sent } })).json()) as Echo
  for (const [name, value] of Object.entries(expected))
    expect([name, headers[name], matches(value, headers[name])]).toEqual([
      name,
      headers[name],
      true,
    ])
})

const matches = (expected: string | RegExp | undefined, found: string | undefined): boolean =>
  expected instanceof RegExp ? expected.test(found ?? '') : expected === found

test('a client that sends anything gets a valid context passed on', async () => {
  const collector = await startCollector()
  const { ask } = await gatewayWith({ traces_endpoint: collector.url('/v1/traces') })
  const digits = (length: number) =>
    fc.string({ unit: fc.constantFrom('0', 'a', 'f'), minLength: length - 1, maxLength: length })
  const value = fc.oneof(
    fc
      .tuple(
        fc.constantFrom('00', '01', 'ff', '0'),
        digits(32),
        digits(16),
        fc.constantFrom('00', '01', 'g', '01-x'),
      )
      .map((parts) => parts.join('-')),
    fc.string({ unit: fc.constantFrom('0', 'a', '-', 'f', ' ', 'x') }),
  )
  await fc.assert(
    fc.asyncProperty(value, async (traceparent) => {
      const { headers } = (await (await ask('/', { headers: { traceparent } })).json()) as Echo
      expect(headers['traceparent']).toMatch(/^00-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-0[01]$/)
    }),
    { numRuns: 40 },
  )
})

test('exports the sampled share of traces, and none that the client does not sample', async () => {
  const collector = await startCollector()
  const { ask } = await gatewayWith({
    traces_endpoint: collector.url('/v1/traces'),
    sampling_rate: 0.5,
  })
  const high = `${trace.slice(0, 18)}f${trace.slice(19)}`
  const low = `${trace.slice(0, 18)}0${trace.slice(19)}`
  for (const [id, flags] of [
    [low, '01'],
    [high, '00'],
    [high, '01'],
  ])
    await ask('/', { headers: { traceparent: `00-${id}-${parent}-${flags}` } })
  await until('the sampled trace', () => collector.spans().length === 2)
  expect(collector.spans().map(({ traceId }) => hex(traceId))).toEqual([high, high])
})

test('exports a log record for each request, and for refused ones to logs_endpoint', async () => {
  const collector = await startCollector()
  const { ask } = await gatewayWith(
    {
      logs_endpoint: collector.url('/v1/logs'),
      access_logs: { endpoint: collector.url('/v1/access') },
    },
    [{ name: 'key-auth' }],
  )
  await ask('/', { headers: { apikey: 'ann-key' } })
  await ask('/', { headers: { traceparent: `00-${trace}-${parent}-01` } })
  await until('all records', () => collector.logs('/v1/access').length === 2)
  const [allowed, refused] = collector.logs('/v1/access') as [Decoded, Decoded]
  expect(allowed).toMatchObject({ severityText: 'INFO', body: { stringValue: 'GET / 200' } })
  expect(attributesOf(allowed)).toMatchObject({ 'kong.consumer.name': 'ann' })
  expect(refused).toMatchObject({ severityText: 'WARN', severityNumber: 'SEVERITY_NUMBER_WARN' })
  expect(hex(refused['traceId'])).toBe(trace)
  expect(attributesOf(refused)).toMatchObject({ 'weir.reason': 'key-auth.no_key' })
  await until('the record', () => collector.logs('/v1/logs').length === 1)
  expect(attributesOf(collector.logs('/v1/logs')[0] as Decoded)['weir.denied_by']).toBe('key-auth')
})

test('exports metrics of its requests', async () => {
  const collector = await startCollector()
  const { ask, reconfigure, traffic } = await gatewayWith({
    metrics: {
      endpoint: collector.url('/v1/metrics'),
      enable_request_metrics: true,
      enable_latency_metrics: true,
      enable_bandwidth_metrics: true,
    },
  })
  for (let index = 0; index < 3; index += 1) await ask('/')
  // The last export is that of the plugin's end.
  reconfigure({})
  const message = await until('metrics', () => collector.messages('/v1/metrics')[0])
  const metrics = message['resourceMetrics'][0].scopeMetrics[0].metrics as Decoded[]
  expect(metrics.map(({ name }) => name)).toEqual([
    'http.server.request.count',
    'http.server.request.size',
    'http.server.response.size',
    'kong.latency.total',
    'kong.latency.internal',
    'kong.latency.upstream',
  ])
  const [requests, , , total] = metrics as [Decoded, Decoded, Decoded, Decoded]
  const [point] = requests['sum'].dataPoints
  expect([point.asInt, requests['sum'].isMonotonic]).toEqual([3, true])
  expect(attributesOf(point)).toMatchObject({
    'kong.route.name': 'all',
    'http.response.status_code': 200,
  })
  const [{ count, bucketCounts, explicitBounds }] = total['histogram'].dataPoints
  expect([count, bucketCounts.length - explicitBounds.length]).toEqual([3, 1])
  expect(traffic.report().routes).toEqual([])
})

test('names what it does not support, and needs an endpoint', () => {
  const check = (config: object) =>
    opentelemetry.acceptedSettings?.safeParse(config).error?.issues[0]?.message
  expect(check({})).toContain('at least one of these fields must be non-empty')
  const endpoint = { traces_endpoint: 'http://h/v1/traces' }
  expect(check(endpoint)).toBeUndefined()
  expect(check({ ...endpoint, propagation: { extract: ['datadog'] } })).toContain('not supported')
  expect(check({ ...endpoint, header_type: 'aws' })).toContain('not supported')
})
