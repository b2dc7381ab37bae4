import { isIP } from 'node:net'
import { z } from 'zod'
import type { ControlListen, ListenAddress, StreamListen } from '../planes/plane-settings.ts'

/** HOST:PORT; HOST defaults to 127.0.0.1. */
export const address = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text, context) => {
      const parsed = readAddressAndPort(text)
      if (parsed !== undefined) return parsed
      context.addIssue({ code: 'custom', message: `expected HOST:PORT, such as ${fallback}` })
      return z.NEVER
    })

/** HOST:PORT, followed by ` ssl` for TLS; comma-separated. */
export const controlAddresses = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text, context) => {
      const parts = text.split(',').map((part) => readFlags(part, (flag) => flag === 'ssl'))
      return parts.map((part): ControlListen => {
        if (part !== undefined) return { ...part.address, isSecure: part.flags.has('ssl') }
        const message = `expected HOST:PORT, then ssl or nothing, comma-separated, such as ${fallback}`
        context.addIssue({ code: 'custom', message })
        return z.NEVER
      })
    })

/** HOST:PORT, followed by ` proxy_protocol` when connections begin with a PROXY header. */
export const proxyAddress = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text, context) => {
      const parsed = readFlags(text, (flag) => flag === 'proxy_protocol')
      if (parsed !== undefined)
        return { ...parsed.address, readsProxy: parsed.flags.has('proxy_protocol') }
      const message = `expected HOST:PORT, then proxy_protocol or nothing, such as ${fallback}`
      context.addIssue({ code: 'custom', message })
      return z.NEVER
    })

const tcpFlags = ['ssl', 'proxy_protocol', 'send_proxy', 'send_proxy_v2', 'reuseport']
const udpFlags = ['udp', 'reuseport']
const responses = /^proxy_responses=(\d{1,9})$/

/** HOST:PORT, followed by flags: `ssl` when connections begin with a TLS handshake, `proxy_protocol` when they begin with
 *  a PROXY header, `send_proxy` or `send_proxy_v2` when those to targets do; or `udp`, and `proxy_responses` as in nginx.
 *  `reuseport` is as in Kong; sockets share their port in any case. */
const streamAddress = z.string().transform((text, context): StreamListen => {
  const udp = readUdp(text)
  if (udp !== undefined) return udp
  const parsed = readFlags(text, (flag) => tcpFlags.includes(flag))
  const flags = parsed?.flags ?? new Set()
  if (parsed === undefined || (flags.has('send_proxy') && flags.has('send_proxy_v2'))) {
    const message =
      'expected HOST:PORT, then any of ssl, proxy_protocol, reuseport, and send_proxy or send_proxy_v2, such as 0.0.0.0:9443 ssl, or udp with reuseport and proxy_responses=NUMBER, such as 0.0.0.0:9053 udp'
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  }
  const sendsProxy = flags.has('send_proxy') ? 'v1' : flags.has('send_proxy_v2') ? 'v2' : undefined
  return {
    ...parsed.address,
    isSecure: flags.has('ssl'),
    readsProxy: flags.has('proxy_protocol'),
    ...(sendsProxy === undefined ? {} : ({ sendsProxy } as const)),
  }
})

function readUdp(text: string): StreamListen | undefined {
  const parsed = readFlags(text, (flag) => udpFlags.includes(flag) || responses.test(flag))
  if (parsed?.flags.has('udp') !== true) return undefined
  const counts = [...parsed.flags].flatMap((flag) => responses.exec(flag)?.[1] ?? [])
  if (counts.length > 1) return undefined
  return {
    ...parsed.address,
    isUdp: true,
    ...(counts[0] === undefined ? {} : { responses: Number(counts[0]) }),
  }
}

const list = z.string().transform((text) =>
  text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== ''),
)

export const streamAddresses = list.pipe(z.array(streamAddress)).default([])

/** Addresses and CIDR blocks. */
export const addressBlocks = list
  .pipe(
    z.array(
      z.string().refine(isBlock, {
        error: ({ input }) =>
          `${String(input)} is not an address or CIDR block, such as 10.0.0.0/8 or 2001:db8::/32`,
      }),
    ),
  )
  .default([])

/** The name of a header field in lower case, or `proxy_protocol`. */
export const realIpHeader = z
  .string()
  .regex(/^[\w-]+$/, { error: 'expected a header name or proxy_protocol' })
  .transform((name) => name.toLowerCase())
  .default('x-real-ip')

export const onOrOff = (initial: 'on' | 'off') =>
  z
    .enum(['on', 'off'], { error: 'expected on or off' })
    .default(initial)
    .transform((word) => word === 'on')

/** EXTERNAL:INTERNAL, comma-separated. */
export const portMaps = list
  .pipe(
    z.array(
      z.string().transform((text, context) => {
        const [, external, internal] = /^(\d{1,5}):(\d{1,5})$/.exec(text) ?? []
        const pair = { external: Number(external), internal: Number(internal) }
        if (isPort(pair.external) && isPort(pair.internal)) return pair
        context.addIssue({ code: 'custom', message: 'expected EXTERNAL:INTERNAL, such as 80:8000' })
        return z.NEVER
      }),
    ),
  )
  .default([])

const isPort = (port: number): boolean => port >= 1 && port <= 65_535

function isBlock(text: string): boolean {
  const [address = '', bits, ...rest] = text.split('/')
  const version = address.includes('%') ? 0 : isIP(address)
  if (version === 0 || rest.length > 0) return false
  return (
    bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 6 ? 128 : 32))
  )
}

function readFlags(text: string, isAllowed: (flag: string) => boolean) {
  const [first = '', ...flags] = text.trim().split(/ +/)
  const address = readAddressAndPort(first)
  if (address === undefined || !flags.every(isAllowed)) return undefined
  return { address, flags: new Set(flags) }
}

function readAddressAndPort(text: string): ListenAddress | undefined {
  const found = /^(?:(\[[^\]]+\]|[^:[\]]+):)?(\d{1,5})$/.exec(text)
  if (found === null || Number(found[2]) > 65_535) return undefined
  return { host: (found[1] ?? '127.0.0.1').replace(/^\[|\]$/g, ''), port: Number(found[2]) }
}
