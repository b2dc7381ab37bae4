import type { TLSSocket } from 'node:tls'
import {
  hideSecrets,
  holdsSecret,
  isSecretName,
  redactPath,
  redactQuery,
} from '../../lib/redact-query.ts'
import type { Caller } from '../../proxy/directory.ts'
import type { Attempt, Exchange, RequestHead } from '../../proxy/exchange.ts'
import type { HeaderList } from '../../proxy/header-list.ts'
import type { EventRecord } from '../../schema/event.ts'
import { requestSize, responseSize } from './message-sizes.ts'

/**
 * An exchange as one line of JSON in the form of Kong's `kong.log.serialize()`. Credentials are replaced by REDACTED:
 * beside `authorization` and `proxy-authorization`, as in Kong, also cookies and everything that is redacted in events.
 */
export function serializeExchange(exchange: Exchange, event: EventRecord): string {
  const { request, caller, matched, upstream, logValues } = exchange
  const { place } = event
  const hidden = hiddenFieldsOf(exchange, event)
  const uri = event.query === '' ? event.path : `${event.path}?${event.query}`
  const port = request.localPort ?? request.port
  const fields: Record<string, unknown> = {
    request: {
      id: exchange.requestId,
      uri,
      url: `${event.scheme}://${event.host}:${port}${uri}`,
      querystring: parseQuery(event.query),
      method: event.method,
      headers: describeHeaders(request.headers, exchange, hidden),
      size: requestSize(exchange),
      tls: describeTls(request),
    },
    upstream_uri: upstreamUri(exchange),
    upstream_status: upstream.attempts.map(statusOf).join(', '),
    response: {
      status: event.status,
      headers: describeHeaders(exchange.sentHeaders, exchange, hidden),
      size: responseSize(exchange),
    },
    latencies: {
      kong: Math.round(event.gateway_us / 1_000),
      proxy: upstream.askedAt === 0 ? -1 : Math.round(event.upstream_us / 1_000),
      request: Math.round(event.duration_us / 1_000),
      receive: Math.round(event.receive_us / 1_000),
    },
    ...describeCaller(caller),
    client_ip: event.client_address,
    started_at: Math.floor(event.time / 1_000),
    source: upstream.answeredAt === 0 ? 'kong' : 'upstream',
    workspace: place.workspace,
    workspace_name: place.workspace_name,
    ...logValues,
  }
  const own = JSON.stringify(fields)
  const { attempts } = upstream
  const tries = attempts.length === 0 ? '' : `,"tries":[${attempts.map(describeTry).join()}]`
  const route = matched === undefined ? '' : `,"route":${entityText(matched.route)}`
  const service =
    matched?.service === undefined ? '' : `,"service":${entityText(matched.service.service)}`
  return `${own.slice(0, -1)}${tries}${route}${service}}`
}

/** The holder of a token need not be a consumer. */
function describeCaller(caller: Caller | undefined) {
  if (caller === undefined) return undefined
  const { credential, consumer } = caller
  if (consumer === undefined) return { authenticated_entity: { id: credential } }
  return {
    authenticated_entity: { id: credential, consumer_id: consumer.id },
    consumer: {
      id: consumer.id,
      username: consumer.username ?? undefined,
      custom_id: consumer.customId ?? undefined,
    },
  }
}

type ConfiguredEntity = { readonly id: string; readonly workspace: string }

const texts = new WeakMap<ConfiguredEntity, string>()

/** As Kong stores it, without members that are null. */
function entityText(entity: ConfiguredEntity): string {
  let text = texts.get(entity)
  if (text === undefined) {
    const { workspace, ...fields } = entity
    const set = Object.entries(fields).filter(([, value]) => value !== null)
    text = JSON.stringify({ ...Object.fromEntries(set), ws_id: workspace })
    texts.set(entity, text)
  }
  return text
}

/** Nanoseconds are written as text: they exceed the integers that a number holds. */
function describeTry({ target, startedAt, failure }: Attempt): string {
  const own = JSON.stringify({
    balancer_start: Math.floor(startedAt / 1_000),
    balancer_latency: 0,
    balancer_latency_ns: 0,
    ip: target.host,
    port: target.port,
    ...(failure === '' ? {} : { state: 'failed', code: codeOf(failure) }),
  })
  return `${own.slice(0, -1)},"balancer_start_ns":${startedAt}000}`
}

const codeOf = (failure: string): number => (failure === 'upstream.timeout' ? 504 : 502)

const statusOf = ({ status, failure }: Attempt): number => (status === 0 ? codeOf(failure) : status)

function upstreamUri(exchange: Exchange): string {
  const { forward, upstream, secretParameters, presentedSecrets, hidesUri } = exchange
  if (forward === undefined || upstream.askedAt === 0 || hidesUri) return ''
  const path = redactPath(forward.path, secretParameters)
  const query = redactQuery(forward.query, secretParameters)
  const uri = query === '' ? path : `${path}?${query}`
  return presentedSecrets === undefined ? uri : hideSecrets(uri, presentedSecrets)
}

const redacted = 'REDACTED'
const credentialFields = ['authorization', 'proxy-authorization', 'cookie', 'set-cookie']

const uriFields = [
  'referer',
  'location',
  'content-location',
  'x-forwarded-path',
  'x-original-url',
  'x-rewrite-url',
]

const hiddenFields = [false, true].map((hidesUri) =>
  [false, true].map(
    (hidesAgent) =>
      new Set([
        ...credentialFields,
        ...(hidesUri ? uriFields : []),
        ...(hidesAgent ? ['user-agent'] : []),
      ]),
  ),
) as unknown as readonly [HiddenFields, HiddenFields]

type HiddenFields = readonly [plain: ReadonlySet<string>, withAgent: ReadonlySet<string>]

/** The fields that are hidden: with credentials, and with what the event does not have. */
function hiddenFieldsOf({ request, hidesUri }: Exchange, event: EventRecord): ReadonlySet<string> {
  const hidesAgent = (request.headers.get('user-agent') ?? '') !== event.user_agent
  return hiddenFields[hidesUri ? 1 : 0][hidesAgent ? 1 : 0]
}

/** Names in lower case; the values of fields with the same name as a list. */
function describeHeaders(
  list: HeaderList | undefined,
  { presentedSecrets, secretParameters }: Exchange,
  hidden: ReadonlySet<string>,
): Record<string, string | string[]> {
  // A field may be called __proto__.
  const fields = Object.create(null) as Record<string, string | string[]>
  const flat = list?.flat ?? []
  for (let at = 0; at < flat.length; at += 2) {
    const name = (flat[at] as string).toLowerCase()
    let value = flat[at + 1] as string
    if (hidden.has(name) || isSecretName(name) || holdsSecret(value, secretParameters))
      value = redacted
    else if (presentedSecrets !== undefined) value = hideSecrets(value, presentedSecrets)
    const known = fields[name]
    fields[name] = known === undefined ? value : [known, value].flat()
  }
  return fields
}

/** As in OpenResty, a parameter without a value is true, and one that comes again a list. */
function parseQuery(query: string): Record<string, unknown> {
  const found = new Map<string, unknown[]>()
  if (query !== '')
    for (const pair of query.split('&').slice(0, maxParameters)) {
      const equals = pair.indexOf('=')
      const name = decode(equals < 0 ? pair : pair.slice(0, equals))
      if (name === '') continue
      const value = equals < 0 ? true : decode(pair.slice(equals + 1))
      const known = found.get(name)
      if (known === undefined) found.set(name, [value])
      else known.push(value)
    }
  return Object.fromEntries(
    [...found].map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
  )
}

/** The limit of OpenResty. */
const maxParameters = 100

function decode(text: string): string {
  const spaced = text.replaceAll('+', ' ')
  if (!spaced.includes('%')) return spaced
  try {
    return decodeURIComponent(spaced)
  } catch {
    return spaced
  }
}

type TlsText = { readonly version: string; readonly cipher: string; readonly client_verify: string }

function describeTls(request: RequestHead): TlsText | undefined {
  const { tlsVersion, clientCertificate, connection } = request
  if (tlsVersion === '') return undefined
  return {
    version: tlsVersion,
    cipher: cipherOf(connection),
    client_verify:
      clientCertificate === undefined ? 'NONE' : clientCertificate.verified ? 'SUCCESS' : 'FAILED',
  }
}

/** Node forgets the cipher of a connection that has ended. */
function cipherOf(connection: RequestHead['connection']): string {
  const socket = connection?.socket
  if (socket === undefined || !('getCipher' in socket)) return ''
  const found = (socket as TLSSocket).getCipher() as
    | { standardName: string; name: string }
    | undefined
  return found?.name ?? ''
}
