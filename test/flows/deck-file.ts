import type { Pair } from '../harness/make-certificate.ts'

/** Plugins with settings that Kong lists, as a dump has them, and without. */
const policies = [
  { name: 'basic-auth', config: { anonymous: null, hide_credentials: false, realm: 'service' } },
  { name: 'bot-detection' },
  { name: 'cors', config: { origins: ['https://shop.example'], max_age: null } },
  { name: 'hmac-auth', config: { clock_skew: 300, validate_request_body: false } },
  { name: 'ip-restriction', config: { allow: ['10.0.0.0/8'], deny: null, status: null } },
  { name: 'jwt', config: { claims_to_verify: ['exp'], maximum_expiration: 60 } },
  { name: 'redirect', config: { location: 'https://shop.example' } },
  { name: 'request-size-limiting', config: { allowed_payload_size: 8 } },
  { name: 'request-transformer', config: { add: { headers: ['X-Host:$(headers.host)'] } } },
  {
    name: 'proxy-cache',
    config: { strategy: 'memory', cache_ttl: 60, vary_headers: ['X-Tenant'] },
  },
  {
    name: 'response-ratelimiting',
    config: {
      // decK fills no defaults in maps, and Kong answers them.
      limits: { video: { second: null, minute: 10, hour: 20, day: null, month: null, year: null } },
      header_name: 'X-Units',
    },
  },
  {
    name: 'response-transformer',
    config: { add: { json: ['a:1'], json_types: ['number'] }, remove: { headers: ['server'] } },
  },
  {
    name: 'rate-limiting-advanced',
    config: {
      limit: [10],
      window_size: [60],
      namespace: 'gold',
      sync_rate: -1,
      redis: { cluster_addresses: null, sentinel_addresses: null, database: 0 },
      throttling: null,
    },
  },
]

/** A declarative file with one of every kind, nested as users write it. */
export function deckFile(pair: Pair, authority: Pair): Record<string, unknown> {
  return {
    _format_version: '3.0',
    services: [
      {
        name: 'orders',
        url: 'https://orders.example/base',
        tags: ['team-orders'],
        routes: [
          {
            name: 'orders',
            paths: ['/orders', '~/o/\\d+$'],
            plugins: [{ name: 'acl', config: { allow: ['buyers'] } }, ...policies],
          },
        ],
        plugins: [{ name: 'key-auth' }],
      },
    ],
    consumer_groups: [
      { name: 'gold', plugins: [{ name: 'rate-limiting', config: { minute: 5 } }] },
    ],
    consumers: [
      {
        username: 'ann',
        custom_id: 'a-1',
        groups: [{ name: 'gold' }],
        keyauth_credentials: [{ key: 'key-of-ann' }],
        basicauth_credentials: [{ username: 'ann', password: 'open sesame' }],
        hmacauth_credentials: [{ username: 'ann', secret: 'shared' }],
        jwt_secrets: [{ key: 'issuer', secret: 'shared', algorithm: 'HS256' }],
        oauth2_credentials: [
          {
            name: 'app',
            client_id: 'app',
            client_secret: 'of the app',
            redirect_uris: ['https://app.example/back'],
            // decK has no defaults for credentials.
            client_type: 'confidential',
            hash_secret: false,
          },
        ],
        acls: [{ group: 'buyers' }],
        mtls_auth_credentials: [
          { id: 'b1871b08-53a5-4f3f-8a5b-7e2f8d8c7a10', subject_name: 'ann' },
        ],
      },
    ],
    upstreams: [
      {
        name: 'pool',
        healthchecks: { active: { healthy: { interval: 5 } } },
        targets: [{ target: 'h.example:9000', weight: 10 }],
      },
    ],
    certificates: [
      {
        id: '8f6d5c8e-0f7c-4f2d-9d4f-3b1f7a1d2c11',
        cert: pair.cert.trim(),
        key: pair.key.trim(),
        snis: [{ name: 'orders.example' }],
      },
    ],
    ca_certificates: [{ id: '0c6a2f0a-6a58-4b0f-bb5c-1d4a6f6b2d12', cert: authority.cert.trim() }],
    vaults: [{ prefix: 'safe', name: 'env', config: { prefix: 'X_' } }],
    plugins: [{ name: 'correlation-id' }],
  }
}
