/** As nginx's directives `set_real_ip_from`, `real_ip_header` and `real_ip_recursive`. */
export type RealIpSettings = {
  /** Addresses and CIDR blocks of proxies. */
  readonly trusted: readonly string[]
  /** Name of a header field in lower case, or `proxy_protocol`. */
  readonly header: string
  /** Whether trusted addresses in the field are skipped too. */
  readonly recursive: boolean
}

/** Client addresses behind other proxies. */
export type OriginSettings = {
  readonly realIp: RealIpSettings
  /** The external port for each port that the gateway listens on. */
  readonly portMaps: readonly { readonly external: number; readonly internal: number }[]
}

/** Trusts no proxy. */
export const defaultOriginSettings: OriginSettings = {
  realIp: { trusted: [], header: 'x-real-ip', recursive: false },
  portMaps: [],
}

export type ProxyProtocolVersion = 'v1' | 'v2'

export type StreamListener = {
  /** Whether connections begin with a TLS handshake. */
  readonly isSecure: boolean
  /** The version of the PROXY header that begins each connection to a target. */
  readonly sendsProxy?: ProxyProtocolVersion | undefined
}

export type UdpListener = {
  /** As nginx's directive `proxy_responses`: number of datagrams that answer one of a client and complete the session. Without it, a session ends when it is idle. */
  readonly responses?: number | undefined
}

/** A bound UDP socket of another process, as Node passes it. */
export type BoundUdpHandle = {
  recvStop(): void
  getsockname(out: { address?: string }): number
}
