/** One column of an event: its ClickHouse type, its name elsewhere, and what it says. Absent text is '' and an absent number 0; there is no NULL. */
export type EventColumn = {
  readonly type: string
  /** Name in OpenTelemetry's semantic conventions, where one exists. */
  readonly otel?: string
  /** Path in Kong's log serializer, where one exists. */
  readonly kong?: string
  readonly about: string
}

const label = 'LowCardinality(String)'

/** The columns of one finished exchange, in the order of the table `requests`. */
export const eventColumns = {
  time: {
    type: `DateTime64(6, 'UTC')`,
    kong: 'started_at',
    about: 'When the request began to arrive.',
  },
  request_id: {
    type: 'UUID',
    kong: 'request.id',
    about: 'UUIDv7 of the exchange; the response carries it as X-Kong-Request-Id.',
  },
  trace_id: { type: 'String', otel: 'trace_id', about: 'W3C trace id, from traceparent.' },
  workspace: { type: label, kong: 'workspace', about: 'Id of the workspace of the matched route.' },
  workspace_name: { type: label, kong: 'workspace_name', about: 'Its name when it happened.' },
  service: { type: label, kong: 'service.id', about: 'Id of the service.' },
  service_name: { type: label, kong: 'service.name', about: 'Its name when it happened.' },
  route: { type: label, kong: 'route.id', about: 'Id of the route.' },
  route_name: { type: label, kong: 'route.name', about: 'Its name when it happened.' },
  consumer: { type: label, kong: 'consumer.id', about: 'Id of the consumer who called.' },
  consumer_name: {
    type: label,
    kong: 'consumer.username',
    about: 'Its username, else its custom id.',
  },
  consumer_groups: { type: `Array(${label})`, about: 'Groups of the consumer, those of acl too.' },
  principal_kind: {
    type: label,
    about: 'consumer, user, service-account, agent, workload, or anonymous.',
  },
  agent: { type: label, about: 'The agent that acted for the caller.' },
  auth_method: { type: label, about: 'The plugin that identified the caller.' },
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
    about:
      'allowed (the service answered), denied (a rule refused), failed (no answer could be had).',
  },
  denied_by: { type: label, about: 'The plugin or step that refused.' },
  reason: { type: label, otel: 'error.type', about: 'Stable code of the refusal or failure.' },
  method: {
    type: label,
    otel: 'http.request.method',
    kong: 'request.method',
    about: 'Request method.',
  },
  scheme: { type: label, otel: 'url.scheme', about: 'http or https.' },
  host: { type: label, otel: 'server.address', about: 'Host the client asked for, without port.' },
  path: {
    type: 'String',
    otel: 'url.path',
    kong: 'request.uri',
    about: 'Path the client asked for.',
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
    about: 'Status the client received; 499 when it left first.',
  },
  upstream_status: {
    type: 'UInt16',
    kong: 'upstream_status',
    about: 'Status the service answered in the last try.',
  },
  tries: { type: 'UInt8', kong: 'tries', about: 'How many targets were asked.' },
  target: { type: label, otel: 'network.peer.address', about: 'host:port that answered last.' },
  failed_tries: {
    type: 'Array(String)',
    kong: 'tries',
    about:
      'Each try that failed: target, code of the problem and microseconds, with a blank between.',
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
    about: 'Microseconds waiting for the first byte of the service’s answer.',
  },
  receive_us: {
    type: 'UInt64',
    kong: 'latencies.receive',
    about: 'Microseconds receiving the service’s answer.',
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
  node: { type: label, about: 'The node that served it.' },
  zone: { type: label, about: 'The zone of the node.' },
  environment: {
    type: label,
    otel: 'deployment.environment.name',
    about: 'The environment of the node.',
  },
  revision: { type: 'UInt64', about: 'Revision of the configuration that decided.' },
} as const satisfies Readonly<Record<string, EventColumn>>

/** A column of an event. */
export type EventColumnName = keyof typeof eventColumns

type ValueOf<Type extends string> = Type extends `Array(${string}`
  ? readonly string[]
  : Type extends `UInt${string}`
    ? number
    : string

/** One finished exchange as it is written to the spool: one JSON object in ClickHouse's JSONEachRow form. `time` is decimal seconds since the epoch with six places. */
export type Event = {
  readonly [Name in EventColumnName]: ValueOf<(typeof eventColumns)[Name]['type']>
}

/** An Event as one JSON text, without the line feed that follows it in a spool. */
export type EventLine = string

/** What an exchange ended as. */
export type Outcome = 'allowed' | 'denied' | 'failed'
