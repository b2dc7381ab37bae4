import { schemaViolation } from './kong-problem.ts'
import type { Body } from './operation.ts'

const usualPorts: Readonly<Record<string, number>> = { https: 443, wss: 443 }

/** Kong's shorthand for services: `url` stands for protocol, host, port and path. */
export function expandServiceUrl(body: Body): Body {
  const { url, ...rest } = body
  if (url === undefined || url === null) return rest
  if (typeof url !== 'string') throw schemaViolation({ url: 'expected a string' })
  if (!URL.canParse(url)) throw schemaViolation({ url: 'missing host in url' })
  const { protocol: scheme, hostname, port, pathname, search, hash } = new URL(url)
  if (hostname === '') throw schemaViolation({ url: 'missing host in url' })
  if (search !== '' || hash !== '') {
    throw schemaViolation({ url: 'a query or fragment cannot be part of a service' })
  }
  const protocol = scheme.slice(0, -1)
  return {
    ...rest,
    protocol,
    host: hostname,
    port: port === '' ? (usualPorts[protocol] ?? 80) : Number(port),
    path: pathname === '/' && !url.endsWith('/') ? null : pathname,
  }
}
