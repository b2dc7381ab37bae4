import { createHmac } from 'node:crypto'
import { openCookieSeal } from '../../src/identity/seal-cookies.ts'

type Case = {
  readonly plugins: readonly { readonly name: string; readonly config?: object }[]
  /** Headers of its requests. */
  readonly headers?: Readonly<Record<string, string>>
}

const secret = 'the secret of the token'
const [head = '', body = ''] = [{ alg: 'HS256' }, { iss: 'ann' }].map((part) =>
  Buffer.from(JSON.stringify(part)).toString('base64url'),
)
const signature = createHmac('sha256', secret).update(`${head}.${body}`).digest('base64url')
export const token = { secret, text: `${head}.${body}.${signature}` }

/** Settings and a token with which nothing is discovered. */
const oidc = {
  issuer: 'https://sso.example',
  issuers_allowed: ['https://sso.example'],
  client_id: ['gateway'],
  client_secret: [secret],
  enable_hs_signatures: true,
  session_secret: 'a-secret-for-the-cookies-of-sessions',
  upstream_headers_claims: ['sub'],
  upstream_headers_names: ['X-User'],
  scopes_required: ['read'],
}
const year = 365 * 86_400
const accessToken = signToken({
  iss: oidc.issuer,
  sub: 'ann',
  scope: 'read write',
  exp: Math.floor(Date.now() / 1000) + year,
})

const addresses = Array.from({ length: 1000 }, (_, at) => `10.${at >> 8}.${at & 255}.0/24`)
const plenty = 1_000_000_000
const basic = `Basic ${Buffer.from('ann:secret').toString('base64')}`

/** Each policy alone, of which `redirect` asks no service, and what most routes have. */
export const cases: Readonly<Record<string, Case>> = {
  none: { plugins: [] },
  'key-auth': { plugins: [{ name: 'key-auth' }], headers: { apikey: 'the-key' } },
  'basic-auth': { plugins: [{ name: 'basic-auth' }], headers: { Authorization: basic } },
  'hmac-auth': {
    plugins: [{ name: 'hmac-auth', config: { clock_skew: 1_000_000_000 } }],
    headers: signedHeaders(),
  },
  jwt: { plugins: [{ name: 'jwt' }], headers: { Authorization: `Bearer ${token.text}` } },
  'openid-connect-bearer': {
    plugins: [{ name: 'openid-connect', config: { ...oidc, auth_methods: ['bearer'] } }],
    headers: { Authorization: `Bearer ${accessToken}` },
  },
  'openid-connect-session': {
    plugins: [{ name: 'openid-connect', config: { ...oidc, auth_methods: ['session'] } }],
    headers: { Cookie: `session=${sealSession()}` },
  },
  'ip-restriction': { plugins: [{ name: 'ip-restriction', config: { deny: addresses } }] },
  'bot-detection': {
    plugins: [{ name: 'bot-detection' }],
    headers: { 'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0.0.0 Safari/537.36' },
  },
  cors: {
    plugins: [{ name: 'cors', config: { origins: ['https://a.example', 'https://b.example'] } }],
    headers: { Origin: 'https://b.example' },
  },
  'request-size-limiting': { plugins: [{ name: 'request-size-limiting' }] },
  'request-transformer': {
    plugins: [
      {
        name: 'request-transformer',
        config: { add: { headers: ['X-Host:$(headers.host)'] }, remove: { headers: ['cookie'] } },
      },
    ],
  },
  redirect: {
    plugins: [{ name: 'redirect', config: { location: 'https://n.example' } }],
  },
  'response-ratelimiting': {
    plugins: [{ name: 'response-ratelimiting', config: { limits: { video: { minute: plenty } } } }],
  },
  'response-transformer': {
    plugins: [
      {
        name: 'response-transformer',
        config: { add: { headers: ['X-Host:$(headers.host)'] }, remove: { headers: ['server'] } },
      },
    ],
  },
  'proxy-cache': {
    plugins: [{ name: 'proxy-cache', config: { strategy: 'memory' } }],
  },
  'correlation-id': { plugins: [{ name: 'correlation-id' }] },
  'rate-limiting': { plugins: [{ name: 'rate-limiting', config: { minute: plenty } }] },
  'rate-limiting-advanced': {
    plugins: [{ name: 'rate-limiting-advanced', config: { limit: [plenty], window_size: [60] } }],
  },
  stack: {
    plugins: [
      { name: 'correlation-id' },
      { name: 'cors', config: { origins: ['https://a.example', 'https://b.example'] } },
      { name: 'key-auth' },
      { name: 'ip-restriction', config: { deny: addresses } },
      { name: 'acl', config: { allow: ['buyers'] } },
      { name: 'rate-limiting', config: { minute: plenty } },
    ],
    headers: { apikey: 'the-key', Origin: 'https://b.example' },
  },
}

/** The headers of a request to `hmac-auth` that is signed once. */
function signedHeaders(): Readonly<Record<string, string>> {
  const date = new Date().toUTCString()
  const signature = createHmac('sha256', secret).update(`date: ${date}`).digest('base64')
  return {
    Date: date,
    Authorization: `hmac username="ann", algorithm="hmac-sha256", headers="date", signature="${signature}"`,
  }
}

function signToken(claims: object): string {
  const parts = [{ alg: 'HS256', typ: 'at+jwt' }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  )
  const own = createHmac('sha256', secret).update(parts.join('.')).digest('base64url')
  return `${parts.join('.')}.${own}`
}

/** The cookie of a person who is signed in. */
function sealSession(): string {
  const owner = JSON.stringify([oidc.issuer, oidc.client_id, 'default'])
  const now = Date.now()
  const session = {
    id: 'a-session',
    generation: 0,
    accessToken,
    client: 'gateway',
    issuer: oidc.issuer,
    subject: 'ann',
    startedAt: now,
    usedAt: now,
    issuedAt: now,
  }
  return openCookieSeal(oidc.session_secret, owner).seal(session, 'session')
}
