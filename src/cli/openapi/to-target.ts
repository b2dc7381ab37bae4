import { resolveReference, isNode, unsupported, type Node, type OpenApi } from './read-openapi.ts'

/** A service and, for several servers, their upstream. */
export type Target = { readonly service: Node; readonly upstreams: readonly Node[] }

export function toTarget(
  { root }: OpenApi,
  { name, url }: { readonly name: string; readonly url: string | undefined },
): Target {
  const urls = url === undefined ? listServers(root) : [parse(url)]
  const [first, ...others] = urls
  if (first === undefined) {
    throw unsupported('servers', 'the document has no servers; pass the URL with --url')
  }
  const protocol = first.protocol.slice(0, -1)
  const path = first.pathname.replace(/\/+$/, '')
  const service = {
    name,
    protocol,
    host: first.hostname,
    port: portNumber(first),
    path: path === '' ? null : path,
  }
  if (others.length === 0) return { service, upstreams: [] }
  const odd = others.find(
    (other) => other.protocol !== first.protocol || other.pathname !== first.pathname,
  )
  if (odd !== undefined) {
    throw unsupported(
      'servers',
      `${odd.href} and ${first.href} differ in more than their host; pass one with --url`,
    )
  }
  const upstream = `${name}.upstream`
  const targets = urls.map((one) => ({ target: `${one.hostname}:${portNumber(one)}` }))
  return {
    service: { ...service, host: upstream },
    upstreams: [{ name: upstream, targets }],
  }
}

function listServers(root: Node): URL[] {
  const servers = (root['servers'] ?? []) as readonly unknown[]
  return servers.map((server) => {
    const { url = '', variables } = resolveReference(root, server)
    const filled = String(url).replaceAll(/\{([^}]+)\}/g, (whole, variable: string) => {
      const known = isNode(variables) ? variables[variable] : undefined
      return isNode(known) ? String(known['default']) : whole
    })
    return parse(filled)
  })
}

function parse(url: string): URL {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  if (parsed !== undefined && /^https?:$/.test(parsed.protocol)) return parsed
  throw unsupported('servers', `'${url}' is not an absolute URL; pass the URL with --url`)
}

const portNumber = ({ port, protocol }: URL): number =>
  port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
