/** A column of an event. No column is nullable: absent text is '' and an absent number 0. */
export type EventColumn = {
  /** ClickHouse type. */
  readonly type: string
  /** Name in OpenTelemetry's semantic conventions, where one exists. */
  readonly otel?: string
  /** Path in Kong's log serializer, where one exists. */
  readonly kong?: string
  readonly about: string
}

const label = 'LowCardinality(String)'

/** The columns of a finished exchange, in the order of the table `requests`. */
export const eventColumns = {
  time: {
    type: `DateTime64(6, 'UTC')`,
    kong: 'started_at',
    about: 'When the request began to arrive.',
  },
  request_id: {
    type: 'UUID',
    kong: 'request.id',
    about: 'UUIDv7 of the exchange; the response carries its digits as X-Kong-Request-Id.',
  },
  trace_id: { type: 'String', otel: 'trace_id', about: 'W3C trace id, from traceparent.' },
  workspace: { type: label, kong: 'workspace', about: 'Id of the workspace of the matched route.' },
  workspace_name: {
    type: label,
    kong: 'workspace_name',
    about: 'Its name at the time of the request.',
  },
  service: { type: label, kong: 'service.id', about: 'Id of the service.' },
  service_name: {
    type: label,
    kong: 'service.name',
    about: 'Its name at the time of the request.',
  },
  route: { type: label, kong: 'route.id', about: 'Id of the route.' },
  route_name: { type: label, kong: 'route.name', about: 'Its name at the time of the request.' },
  consumer: {
    type: label,
    kong: 'consumer.id',
    about: 'Id of the consumer that sent the request.',
  },
  consumer_name: {
    type: label,
    kong: 'consumer.username',
    about: 'Its username, else its custom id.',
  },
  consumer_groups: {
    type: `Array(${label})`,
    about: 'Groups of the consumer, including those of the acl plugin.',
  },
  principal_kind: {
    type: label,
    about: 'consumer, user, service-account, agent, workload, or anonymous.',
  },
  agent: { type: label, about: 'The agent that acted for the caller.' },
  auth_method: { type: label, about: 'The plugin that authenticated the caller.' },
  credential: {
    type: label,
    kong: 'authenticated_entity.id',
    about: 'Id of the credential, never its secret.',
  },
  subject: { type: 'String', otel: 'user.id', about: 'Subject of the token.' },
  issuer: { type: label, about: 'Issuer of the token.' },
  scopes: { type: `Array(${label})`, about: 'Scopes of the token.' },
  outcome: {
    type: label,
    about: 'allowed (the service responded), denied (by a plugin) or failed (without a response).',
  },
  denied_by: { type: label, about: 'The plugin or step that denied the request.' },
  reason: { type: label, otel: 'error.type', about: 'Stable code of the denial or failure.' },
  method: {
    type: label,
    otel: 'http.request.method',
    kong: 'request.method',
    about: 'Request method.',
  },
  scheme: {
    type: label,
    otel: 'url.scheme',
    about: 'http or https; tcp, tls or udp for a stream.',
  },
  host: {
    type: label,
    otel: 'server.address',
    about: 'Host that the client requested, without port.',
  },
  path: {
    type: 'String',
    otel: 'url.path',
    kong: 'request.uri',
    about: 'Path that the client requested.',
  },
  route_path: {
    type: label,
    otel: 'http.route',
    about: 'The path pattern of the route that matched.',
  },
  query: {
    type: 'String',
    otel: 'url.query',
    about: 'Query string; values of secret parameters are REDACTED.',
  },
  status: {
    type: 'UInt16',
    otel: 'http.response.status_code',
    kong: 'response.status',
    about: 'Status that the client received; 499 when it disconnected first.',
  },
  upstream_status: {
    type: 'UInt16',
    kong: 'upstream_status',
    about: 'Status that the service returned in the last try.',
  },
  tries: { type: 'UInt8', kong: 'tries', about: 'How many targets were tried.' },
  target: {
    type: label,
    otel: 'network.peer.address',
    about: 'host:port of the last target tried.',
  },
  failed_tries: {
    type: 'Array(String)',
    kong: 'tries',
    about: 'Each failed try: target, problem code and microseconds, separated by spaces.',
  },
  duration_us: {
    type: 'UInt64',
    otel: 'http.server.request.duration',
    kong: 'latencies.request',
    about: 'Microseconds from first request byte to last response byte.',
  },
  gateway_us: {
    type: 'UInt64',
    kong: 'latencies.kong',
    about: 'Microseconds spent in the gateway itself.',
  },
  upstream_us: {
    type: 'UInt64',
    kong: 'latencies.proxy',
    about: 'Microseconds waiting for the first byte of the response of the service.',
  },
  receive_us: {
    type: 'UInt64',
    kong: 'latencies.receive',
    about: 'Microseconds receiving the response of the service.',
  },
  request_bytes: {
    type: 'UInt64',
    otel: 'http.request.body.size',
    kong: 'request.size',
    about: 'Bytes of the request body.',
  },
  response_bytes: {
    type: 'UInt64',
    otel: 'http.response.body.size',
    kong: 'response.size',
    about: 'Bytes of the response body.',
  },
  client_address: {
    type: 'String',
    otel: 'client.address',
    kong: 'client_ip',
    about: 'Address of the client.',
  },
  user_agent: { type: 'String', otel: 'user_agent.original', about: 'User-Agent of the client.' },
  tls_version: {
    type: label,
    otel: 'tls.protocol.version',
    kong: 'request.tls.version',
    about: 'TLS version, or empty.',
  },
  peer_identity: { type: label, about: 'SPIFFE ID of the peer, or empty.' },
  node: { type: label, about: 'The node that handled the request.' },
  zone: { type: label, about: 'The zone of the node.' },
  environment: {
    type: label,
    otel: 'deployment.environment.name',
    about: 'The environment of the node.',
  },
  revision: { type: 'UInt64', about: 'Configuration revision that was active.' },
} as const satisfies Readonly<Record<string, EventColumn>>

export type EventColumnName = keyof typeof eventColumns

type ValueOf<Type extends string> = Type extends `Array(${string}`
  ? readonly string[]
  : Type extends `UInt${string}`
    ? number
    : string

/** A finished exchange in ClickHouse's JSONEachRow form. `time` is in decimal seconds since the epoch with six places. */
export type Event = {
  readonly [Name in EventColumnName]: ValueOf<(typeof eventColumns)[Name]['type']>
}

/** Columns whose values many events share, as objects that the recorder writes once per segment. */
export const sharedColumns = {
  place: ['workspace', 'workspace_name', 'service', 'service_name', 'route', 'route_name'],
  caller: [
    'consumer',
    'consumer_name',
    'consumer_groups',
    'principal_kind',
    'agent',
    'auth_method',
    'credential',
    'subject',
    'issuer',
    'scopes',
  ],
  node: ['node', 'zone', 'environment'],
} as const satisfies Readonly<Record<string, readonly EventColumnName[]>>

export type SharedPart = keyof typeof sharedColumns

/** The columns of one part. */
export type PartOf<Name extends SharedPart> = Pick<Event, (typeof sharedColumns)[Name][number]>

type SharedColumnName = (typeof sharedColumns)[SharedPart][number]

/** An event as a gateway records it. `time` is in microseconds since the epoch. */
export type EventRecord = Omit<Event, SharedColumnName | 'time'> & {
  readonly [Name in SharedPart]: PartOf<Name>
} & { readonly time: number }

export type Outcome = 'allowed' | 'denied' | 'failed'
