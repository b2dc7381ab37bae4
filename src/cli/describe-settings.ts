import { z } from 'zod'
import { settingsSchema } from './settings.ts'

/** One environment variable as the reference shows it. */
export type Setting = { readonly name: string; readonly initial: string; readonly about: string }

/** Description of each setting; `describeSettings` throws when one is missing here. */
const about: Readonly<Partial<Record<string, string>>> = {
  WEIR_PLANE: 'Runs one plane only: `control` or `gateway`. Also `--plane`.',
  WEIR_CONTROL_URL: 'Node address of the control plane, for a gateway plane. Also `--control-url`.',
  WEIR_JOIN_TOKEN: 'Token with which a gateway plane authenticates at the control plane.',
  WEIR_JOIN_TOKEN_FILE:
    'File with that token; the control plane writes `join-token` in its data directory.',
  WEIR_DATA: 'Data directory: store, keys, spool and warehouse. Also `--data`.',
  WEIR_PROXY_LISTEN:
    'Listener for HTTP/1.1 and HTTP/2 without TLS. ` proxy_protocol` after the address: connections begin with a PROXY header, version 1 or 2.',
  WEIR_PROXY_SSL_LISTEN: 'Listener for TLS, likewise; `off` disables it.',
  WEIR_STREAM_LISTEN:
    'Listeners for `tcp`, `tls` and `udp` routes, comma-separated: `0.0.0.0:9000,0.0.0.0:9443 ssl,0.0.0.0:9053 udp`. Flags after an address: `ssl` terminates TLS, `proxy_protocol` reads a PROXY header, `send_proxy` and `send_proxy_v2` begin connections to targets with one; `udp` receives datagrams, and `proxy_responses=NUMBER` ends a UDP session after so many answers for each datagram of the client. `reuseport` is accepted; ports are always shared.',
  WEIR_TRUSTED_IPS:
    'Addresses and CIDR blocks of proxies in front of the gateway, comma-separated. Their `X-Forwarded-*` fields are forwarded, and `WEIR_REAL_IP_HEADER` from them sets the client address. `0.0.0.0/0,::/0` trusts every address.',
  WEIR_REAL_IP_HEADER:
    'Header field with the client address from a trusted proxy, or `proxy_protocol` for its PROXY header. Streams always use the PROXY header.',
  WEIR_REAL_IP_RECURSIVE:
    '`on`: the client is the last address of the field that is not trusted; `off`: the last one.',
  WEIR_SSL_CIPHER_SUITE:
    "TLS versions and cipher suites of listeners, as Mozilla's recommendations: `modern` (TLS 1.3), `intermediate` (TLS 1.2 with forward secrecy and authenticated encryption, TLS 1.3), `old` (from TLS 1.0 on), or `custom`.",
  WEIR_SSL_CIPHERS: "Cipher suites of `custom`, in OpenSSL's format.",
  WEIR_SSL_PROTOCOLS: 'TLS versions of `custom`.',
  WEIR_SSL_PREFER_SERVER_CIPHERS:
    "Order of cipher suites with `custom`: `on` for that of `WEIR_SSL_CIPHERS`, `off` for the client's.",
  WEIR_SSL_SESSION_TICKETS:
    'Session tickets, with keys that the workers of a node share and that change every eight hours and with each change of certificates.',
  WEIR_PORT_MAPS:
    'Ports that clients connect to, for ports that the gateway listens on: `80:8000,443:8443`. `X-Forwarded-Port`, hosts with a port and `destinations` of routes use them.',
  WEIR_ADMIN_LISTEN:
    'Listeners of the Admin API, comma-separated; ` ssl` after an address for TLS: `127.0.0.1:8001,0.0.0.0:8444 ssl`.',
  WEIR_ADMIN_SSL_CERT:
    'PEM file with the certificate of the Admin API, and the intermediate ones after it. Changes are detected within seconds. When unset, a self-signed certificate, `admin/default-certificate.pem` in `WEIR_DATA`, is used.',
  WEIR_ADMIN_SSL_CERT_KEY: 'PEM file with its key.',
  WEIR_MANAGER_LISTEN: 'Listeners of the Manager, likewise: `127.0.0.1:8002,0.0.0.0:8445 ssl`.',
  WEIR_ADMIN_GUI_SSL_CERT: 'PEM file with the certificate of the Manager, likewise.',
  WEIR_ADMIN_GUI_SSL_CERT_KEY: 'PEM file with its key.',
  WEIR_NODE_LISTEN: 'Listener of the node protocol, which gateway workers connect to.',
  WEIR_ADMIN_GUI_URL:
    'Origins of pages, comma-separated, that may call the Admin API from a browser (CORS). They authenticate with their own token. None when unset.',
  WEIR_ALLOWED_HOSTS:
    'Host names, comma-separated, by which clients address the Admin API and the Manager, in addition to IP addresses, `localhost`, and the names in their listeners and in `WEIR_ADMIN_GUI_URL`. Requests for other hosts get a 421, which prevents DNS rebinding.',
  WEIR_OIDC_ISSUER:
    'Issuer of the OpenID Connect provider by which people sign in to the Manager, beside passwords, and whose access tokens the Admin API accepts. None when unset.',
  WEIR_OIDC_CLIENT_ID: 'Client id of Weir at the provider.',
  WEIR_OIDC_CLIENT_SECRET: 'Secret of the client; a public client when unset.',
  WEIR_OIDC_CLIENT_SECRET_FILE: 'File with that secret, for example one that a vault agent writes.',
  WEIR_OIDC_PRESET:
    'Where claims are in the tokens of the provider: `keycloak`, `okta`, `entra`, `cognito`, or `generic` (RFC 9068).',
  WEIR_OIDC_SCOPES: 'Scopes that the sign-in asks for.',
  WEIR_OIDC_GROUPS_CLAIMS:
    'Paths of the claims with groups and roles, comma-separated: `groups,realm_access.roles`. Those of the preset when unset.',
  WEIR_OIDC_NAME_CLAIM: 'Claim with the name of a new user. That of the preset when unset.',
  WEIR_OIDC_AUDIENCE:
    'Audience that access tokens for the Admin API must have. The client id when unset.',
  WEIR_OIDC_CREATE_USERS:
    '`on`: the first sign-in creates the user; `off`: an administrator makes it beforehand.',
  WEIR_OIDC_LABEL: 'What the sign-in page calls the provider. The host of the issuer when unset.',
  WEIR_OIDC_REDIRECT_URI:
    'Address to which the provider sends people back: `/sign-in/callback` of the Manager, as browsers reach it. That of `WEIR_MANAGER_LISTEN` when unset.',
  WEIR_WORKERS: 'Number of gateway workers.',
  WEIR_NODE: 'Name of this node in events.',
  WEIR_ZONE: 'Zone of this node in events.',
  WEIR_ENVIRONMENT: 'Environment of this node in events.',
  WEIR_PROXY_BODY_LIMIT: 'Largest request body in bytes; larger ones get a 413. 0 means no limit.',
  WEIR_PROXY_CACHE_MEGABYTES:
    'Memory of a worker for responses that `proxy-cache` stores. The least recently used ones go when it is full; a response may have a 16th of it.',
  WEIR_MAX_IN_FLIGHT: 'Requests that a worker serves at the same time.',
  WEIR_MAX_WAITING:
    'Requests that wait when a worker is full; further ones get a 503 with `Retry-After`.',
  WEIR_MAX_CONNECTIONS: 'Client connections of a worker; further ones are closed.',
  WEIR_MAX_UDP_SESSIONS:
    'UDP sessions of a worker. Further clients replace the longest idle session; their datagrams are dropped while none was idle for a second.',
  WEIR_TARGET_CONNECTIONS: 'Exchanges of a worker with one target at the same time.',
  WEIR_TARGET_WAITING: 'Exchanges of a worker that wait for one target.',
  WEIR_DRAIN_SECONDS: 'Time for exchanges in progress to finish when a worker stops.',
  WEIR_ADMIN_TOKEN:
    'Token of the first super-admin, at least 16 characters. Every start makes its principal a super-admin again.',
  WEIR_ADMIN_PASSWORD: 'Password of the first super-admin, at least 8 characters.',
  WEIR_DATABASE_URL: 'PostgreSQL database; SQLite in the data directory when unset.',
  WEIR_ENCRYPTION_KEY: 'Master key that encrypts secrets at rest, 32 bytes in hex.',
  WEIR_ENCRYPTION_KEY_FILE: 'File with the master key; `encryption.key` in `WEIR_DATA` when unset.',
  WEIR_AUDIT_KEY_FILE:
    'File with the key that signs the audit log; `audit.key` in `WEIR_DATA` when unset.',
  WEIR_AUDIT_DAYS: 'Days that audit records are kept.',
  WEIR_BACKUPS:
    'Directory for backups of the warehouse; `backups` in `WEIR_DATA` when unset. A ClickHouse server writes it on its own machine and must allow it (`backups.allowed_path`).',
  WEIR_REVISION_DAYS:
    'Days that revisions are kept. The newest revision, and those since the last sync of a workspace, are always kept.',
  WEIR_RECORD_DAYS:
    'Days for which recorded requests are shown and kept; a workspace can have its own (`retention_days`).',
  WEIR_RECORD_DURABILITY:
    'Failures that recorded events survive: with `commit` the end of any process, with `interval` also a power loss except for the last milliseconds, with `strict` also a power loss, because answers wait for the disk.',
  WEIR_SPOOL_LIMIT:
    'Maximum size of the event spool of a gateway, divided among its workers: bytes with an optional `k`, `m` or `g`, or a share of the file system such as `10%`. Beyond it, or on a full disk, each workspace decides by `on_spool_full`.',
  WEIR_RECORD_SYNC_MILLISECONDS: 'Milliseconds between two writes to the disk with `interval`.',
  WEIR_REVISION_COUNT: 'Number of revisions that are kept; older ones are pruned first.',
  WEIR_HEADERS:
    'Headers added to responses, as Kong’s `headers`: `server_tokens` (Via, Server), `latency_tokens`, `X-Kong-Request-Id`, `X-Kong-Upstream-Status`, single names of these, or `off`.',
  WEIR_HEADERS_UPSTREAM:
    'Headers added to requests to services, as Kong’s `headers_upstream`: `X-Kong-Request-Id` or `off`.',
  WEIR_ALLOW_DEBUG_HEADER:
    '`on`: the response to a request with `Kong-Debug: 1` has the ids and names of its route and service, as Kong’s `allow_debug_header`.',
  WEIR_AMBIGUOUS_PATHS:
    'Paths that servers interpret differently (`%2F`, `%5C`, `..;`, `%252e`): `refuse-authenticated` answers 400 on routes with authentication, `refuse` on all, `allow` on none.',
  WEIR_EGRESS_ALLOW:
    'Exceptions from the denied networks for connections to services, health checks and vaults, comma-separated, each with an optional port: `169.254.10.0/24,127.0.0.1:8001`. A listener of Weir is allowed only by its address with its port.',
  WEIR_EGRESS_DENY:
    'Denied networks for these connections. Link-local addresses, metadata services of cloud providers and the listeners of Weir are denied by default.',
  WEIR_VAULT_ENV_PREFIX:
    'Prefix of the environment variables that vault references may read. No other variable is readable. References may omit it.',
  WEIR_ROUTE_VALIDATION_STRATEGY:
    'Validation that keeps routes of different workspaces from matching the same requests, as in Kong: `smart`, `path`, `static` or `off`.',
  WEIR_ENFORCE_ROUTE_PATH_PATTERN:
    'Lua pattern that paths of routes must match with the strategy `path`; `$(workspace)` stands for the name of the workspace.',
  WEIR_LOG_DIRECTORIES:
    'Directories below which the plugin file-log may write, comma-separated, in addition to `logs` in the data directory and the standard streams.',
  WEIR_VAULT_FILES: 'Directory that vaults of kind `file` read from.',
  WEIR_WEBHOOKS:
    'Receivers of notifications about new requests, comma-separated: `WORKSPACE=URL`, or `*=URL` for all workspaces.',
  WEIR_WEBHOOK_SECRET:
    'Signs these notifications as Standard Webhooks; with the prefix `whsec_`, the rest is Base64.',
  WEIR_WAREHOUSE_URL: 'ClickHouse server; the embedded chDB when unset.',
}

/** Defaults that depend on the machine. */
const dynamic: Readonly<Partial<Record<string, string>>> = {
  WEIR_WORKERS: 'number of cores',
  WEIR_NODE: 'host name',
}

/** Every environment variable that Weir reads, with its default. */
export function describeSettings(): Setting[] {
  const { properties = {} } = z.toJSONSchema(settingsSchema, {
    io: 'input',
    unrepresentable: 'any',
  })
  const settings = Object.entries(properties).map(([name, schema]) => {
    const text = about[name]
    if (text === undefined) throw new Error(`src/cli/describe-settings.ts: describe ${name}`)
    return { name, initial: dynamic[name] ?? initialOf(schema), about: text }
  })
  const url = {
    name: 'WEIR_ADMIN_URL',
    initial: 'http://127.0.0.1:8001',
    about: 'Admin API that commands call. They authenticate with `WEIR_ADMIN_TOKEN`.',
  }
  const authority = {
    name: 'WEIR_ADMIN_CA_CERT_FILE',
    initial: '',
    about:
      'PEM file with the authorities of the certificate of an Admin API with https, for commands; those of the system when unset.',
  }
  return [...settings, url, authority]
}

function initialOf(schema: z.core.JSONSchema._JSONSchema | undefined): string {
  if (typeof schema !== 'object') return ''
  const { default: initial = schema.anyOf?.find((one) => one.default !== undefined)?.default } =
    schema
  return typeof initial === 'string' || typeof initial === 'number' ? String(initial) : ''
}
