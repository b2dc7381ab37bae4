/** A month of events as one statement of the engine, so that generating costs little beside storing. */
export type Traffic = {
  readonly rows: number
  /** Milliseconds since the epoch. */
  readonly from: number
  readonly to: number
}

export const services = 40
const routes = 400
const consumers = 5_000

const uuid = (group: number, number: string): string =>
  `concat('${String(group).padStart(8, '0')}-0000-4000-8000-', leftPad(toString(${number}), 12, '0'))`

/** The time of the row with a number, which may be the name of a column. */
export const timeOf = ({ rows, from, to }: Traffic, number: number | 'number'): string =>
  `fromUnixTimestamp64Micro(toInt64(${from * 1000} + (${number} + 0.5) * ${((to - from) * 1000) / rows}), 'UTC')`

/**
 * Inserts the rows with these numbers. Few services, routes and consumers have most of the traffic; latencies are
 * log-normal with a median by route; 2 % are denied, 1 % fail; a consumer calls the services near its own.
 */
export function insertEvents({ rows, from, to }: Traffic, first: number, count: number): string {
  const columns = {
    time: timeOf({ rows, from, to }, 'number'),
    request_id: 'generateUUIDv7(number)',
    workspace: uuid(1, 'service_no % 4'),
    workspace_name: `concat('team-', toString(service_no % 4))`,
    service: uuid(2, 'service_no'),
    service_name: `concat('service-', toString(service_no))`,
    route: uuid(3, 'route_no'),
    route_name: `concat('route-', toString(route_no))`,
    consumer: `if(consumer_no = 0, '', ${uuid(4, 'consumer_no')})`,
    consumer_name: `if(consumer_no = 0, '', concat('consumer-', toString(consumer_no)))`,
    principal_kind: `if(consumer_no = 0, 'anonymous', 'consumer')`,
    auth_method: `if(consumer_no = 0, '', 'key-auth')`,
    credential: `if(consumer_no = 0, '', ${uuid(5, 'consumer_no')})`,
    outcome: `multiIf(dice < 20, 'denied', dice < 23, 'failed', 'allowed')`,
    denied_by: `multiIf(dice < 12, 'rate-limiting', dice < 20, 'key-auth', '')`,
    reason: `multiIf(dice < 12, 'limit.exceeded', dice < 20, 'key.missing', dice < 23, 'upstream.timeout', '')`,
    method: `arrayElement(['GET', 'GET', 'GET', 'GET', 'GET', 'GET', 'POST', 'POST', 'PUT', 'DELETE'], h2 % 10 + 1)`,
    scheme: `'https'`,
    host: `concat('team-', toString(service_no % 4), '.example.com')`,
    path: `concat('/v1/service-', toString(service_no), '/route-', toString(route_no), '/', toString(h3 % 10000))`,
    route_path: `concat('/v1/service-', toString(service_no), '/route-', toString(route_no))`,
    status: `multiIf(dice < 12, 429, dice < 20, 401, dice < 23, 504, dice < 26, 500, dice < 29, 503, dice < 50, 404, dice < 120, 201, 200)`,
    upstream_status: `multiIf(dice < 23, 0, dice < 26, 500, dice < 29, 503, dice < 50, 404, dice < 120, 201, 200)`,
    tries: 'if(dice < 20, 0, 1)',
    target: `concat('10.0.', toString(service_no), '.', toString(h3 % 3), ':8080')`,
    duration_us: 'upstream + gateway + receive',
    gateway_us: 'gateway',
    upstream_us: 'if(dice < 20, 0, upstream)',
    receive_us: 'receive',
    request_bytes: 'if(h2 % 10 < 6, 0, h3 % 4000)',
    response_bytes: 'h3 % 20000',
    client_address: `concat('10.', toString(consumer_no % 4), '.', toString(intDiv(consumer_no, 256)), '.', toString(consumer_no % 256))`,
    user_agent: `arrayElement(['curl/8.5', 'okhttp/4.12', 'python-requests/2.32', 'Mozilla/5.0 (X11; Linux x86_64)'], consumer_no % 4 + 1)`,
    tls_version: `'TLSv1.3'`,
    node: `concat('node-', toString(h3 % 3))`,
    zone: `'default'`,
    environment: `'production'`,
    revision: `intDiv(number * 40, ${rows})`,
  }
  const values = Object.entries(columns).map(([name, sql]) => `${sql} AS ${name}`)
  return `INSERT INTO requests (${Object.keys(columns).join(', ')})
SELECT ${values.join(', ')}
FROM (
  SELECT number, sipHash64(number, 1) AS h1, sipHash64(number, 2) AS h2, sipHash64(number, 3) AS h3,
    toUInt32(${routes} * pow((h1 % 1000003) / 1000003, 2.5)) AS route_no, route_no % ${services} AS service_no,
    if(h2 % 100 < 5, 0, 1 + (service_no * 125 + toUInt32(500 * pow((intDiv(h1, 1000003) % 1000003) / 1000003, 3))) % ${consumers}) AS consumer_no,
    h3 % 1000 AS dice,
    toUInt64(exp(8 + (route_no % 7) * 0.4 + 0.6 * sqrt(-2 * log((1 + intDiv(h2, 1000) % 1000000) / 1000001)) * cos(6.283185 * (intDiv(h3, 1000) % 1000000) / 1000000))) AS upstream,
    toUInt64(100 + h1 % 300) AS gateway, toUInt64(h2 % 200) AS receive
  FROM numbers(${first}, ${count})
)`
}
