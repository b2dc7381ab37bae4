import type { QueryInput } from '../../../src/schema/query.ts'

const members = [
  'time',
  'request_id',
  'trace_id',
  'workspace',
  'service',
  'service_id',
  'route',
  'route_id',
  'consumer',
  'consumer_id',
  'consumer_groups',
  'auth_method',
  'credential',
  'subject',
  'issuer',
  'scopes',
  'principal_kind',
  'agent',
  'outcome',
  'denied_by',
  'reason',
  'method',
  'scheme',
  'host',
  'path',
  'route_path',
  'query',
  'status',
  'upstream_status',
  'tries',
  'failed_tries',
  'target',
  'client_address',
  'user_agent',
  'tls_version',
  'peer_identity',
  'node',
  'zone',
  'environment',
  'revision',
  'duration',
  'gateway_duration',
  'upstream_duration',
  'receive_duration',
  'request_bytes',
  'response_bytes',
]

/** Tolerance around the time in the ID, which comes from the clock of the gateway. */
const tolerance = 10 * 60_000

/** The query of one request. A UUIDv7 contains its time, which narrows the search. */
export function detailQuery(id: string): QueryInput {
  const time = Number.parseInt(id.replace('-', '').slice(0, 12), 16)
  const isTimed = id.charAt(14) === '7' && Number.isFinite(time)
  return {
    ungrouped: true,
    dimensions: members.map((member) => `requests.${member}`),
    filters: [{ member: 'requests.request_id', operator: 'equals', values: [id] }],
    timeDimensions: isTimed
      ? [
          {
            dimension: 'requests.time',
            dateRange: [
              new Date(time - tolerance).toISOString(),
              new Date(time + tolerance).toISOString(),
            ],
          },
        ]
      : [],
    limit: 1,
  }
}
