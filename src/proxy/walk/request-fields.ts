import type { HeaderList } from '../header-list.ts'
import { FieldNames } from '../field-names.ts'

/** Headers by which the gateway identifies the caller to the service. A client must not be able to set them, in any spelling that a server might normalize to them. */
const identityNames = [
  'x-consumer-id',
  'x-consumer-custom-id',
  'x-consumer-username',
  'x-consumer-groups',
  'x-authenticated-groups',
  'x-credential-identifier',
  'x-anonymous-consumer',
  'x-real-ip',
  'x-kong-request-id',
]

/** Fields that frame messages or are of one connection; the gateway writes its own. */
const connectionNames = [
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'connection',
  'keep-alive',
  'proxy-connection',
]

const replacedNames = [
  ...identityNames,
  ...connectionNames,
  'host',
  'via',
  // CGI passes it as HTTP_PROXY, by which programs choose their proxy (httpoxy).
  'proxy',
  'expect',
  'content-length',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-path',
  'x-forwarded-prefix',
  'x-forwarded-for',
]

const replaced = new FieldNames(replacedNames)

/** Whether the gateway writes this field of a forwarded request itself, or none. */
export const isReplaced = (name: string): boolean => replaced.hasFolded(name)

/** Fields that a recipient needs before the content: of framing, routing, authentication and content (RFC 9110 section 6.5.1). */
const untrailed = new FieldNames([
  ...replacedNames,
  'authorization',
  'cache-control',
  'content-encoding',
  'content-range',
  'content-type',
  'cookie',
  'max-forwards',
  'proxy-authorization',
  'range',
  'set-cookie',
])

/** The trailers of a request that are forwarded. */
export function forwardedTrailers(trailers: HeaderList | undefined): HeaderList | undefined {
  const kept = trailers?.without((name) => name.startsWith(':') || untrailed.hasFolded(name))
  return kept === undefined || kept.flat.length === 0 ? undefined : kept
}
