import { isHost } from './fields.ts'

/** The host and port in `host`, `host:port`, `v6`, `[v6]` or `[v6]:port`, with 8000 as Kong's default port and IPv6 in brackets; undefined when it is none of these. */
export function parseTarget(text: string): { host: string; port: number } | undefined {
  if (/^[^:[]*:[^:]*:/.test(text) && isHost(text)) return { host: `[${text}]`, port: 8000 }
  const found = /^(\[[^\]]+\]|[^:]+)(?::(\d{1,5}))?$/.exec(text)
  const host = found?.[1] ?? ''
  const port = Number(found?.[2] ?? 8000)
  return isHost(host) && port <= 65_535 ? { host, port } : undefined
}
