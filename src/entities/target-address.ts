import { isHost } from './fields.ts'

/** Parses `host`, `host:port`, `v6`, `[v6]` or `[v6]:port`. The port defaults to 8000, as in Kong; IPv6 is returned in brackets. Undefined when malformed. */
export function parseTarget(text: string): { host: string; port: number } | undefined {
  if (/^[^:[]*:[^:]*:/.test(text) && isHost(text)) return { host: `[${text}]`, port: 8000 }
  const found = /^(\[[^\]]+\]|[^:]+)(?::(\d{1,5}))?$/.exec(text)
  const host = found?.[1] ?? ''
  const port = Number(found?.[2] ?? 8000)
  return isHost(host) && port <= 65_535 ? { host, port } : undefined
}
