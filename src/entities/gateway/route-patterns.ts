import { z } from 'zod'
import { regexComplaint } from '../../lib/linear-regex.ts'
import { normalizePattern } from '../../lib/normalize-path.ts'
import { between, isHost, optional } from '../fields.ts'

/** A host name with at most one `*` for its first or last label, and perhaps a port. */
export const hostPattern = () => z.string().min(1).superRefine(complaining(hostComplaint))

/** A path prefix, or a regular expression after `~`. */
export const pathPattern = () =>
  z
    .string()
    .min(1)
    .superRefine(
      complaining((path) =>
        path.startsWith('~') ? expressionComplaint(path.slice(1)) : prefixComplaint(path),
      ),
    )

/** A value of a header, or a regular expression after `~*`. */
export const headerPattern = () =>
  z
    .string()
    .superRefine(
      complaining((value) => (value.startsWith('~*') ? invalidRegex(value.slice(2)) : undefined)),
    )

/** A name as a TLS handshake asks for it; a dot at its end means nothing. */
export const serverName = () =>
  z
    .string()
    .min(1)
    .refine((name) => isHost(name) && !/^[\d.]+$|[:[\]]/.test(name), {
      error: (issue) => `invalid value: ${String(issue.input)}`,
    })

/** One end of a stream: an address or a range of addresses, a port, or both. */
export const endpoint = () =>
  z
    .strictObject({
      ip: optional(
        z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], {
          error: (issue) => `invalid ip or cidr range: '${String(issue.input)}'`,
        }),
      ),
      port: optional(between(0, 65_535)),
    })
    .refine(({ ip, port }) => ip !== null || port !== null, {
      error: "at least one of these fields must be non-empty: 'ip', 'port'",
    })

const complaining =
  (complain: (value: string) => string | undefined) =>
  (value: string, context: z.core.$RefinementCtx<string>): void => {
    const message = value === '' ? undefined : complain(value)
    if (message !== undefined) context.addIssue({ code: 'custom', message })
  }

function hostComplaint(pattern: string): string | undefined {
  const [name = '', port] = pattern.split(/:(.*)/s, 2)
  if (name.split('*').length > 2) return 'invalid wildcard: must have at most one wildcard'
  if (name.includes('*') && !/^\*\.|\.\*$/.test(name))
    return 'invalid wildcard: must be placed at leftmost or rightmost label'
  if (!isHostName(name.replace('*', 'any')) || port === '') return `invalid hostname: ${pattern}`
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) < 65_536))
    return 'invalid port number'
  return undefined
}

/** A label may begin with a hyphen, as punycode examples do, but not end with one. */
const isHostName = (name: string): boolean =>
  /^[a-z0-9_-]*[a-z0-9_](\.[a-z0-9_-]*[a-z0-9_])*$/i.test(name)

const start = 'should start with: / (fixed path) or ~/ (regex path)'

function prefixComplaint(path: string): string | undefined {
  if (!path.startsWith('/')) return start
  if (path.includes('//')) return 'must not have empty segments'
  const badEncoding = /%(?![0-9a-f]{2}).{0,2}/i.exec(path)
  if (badEncoding !== null) return `invalid url-encoded value: '${badEncoding[0]}'`
  if (/[?#\p{Cc}]/u.test(path))
    return `invalid path: '${path}' (characters outside of the reserved list of RFC 3986 found)`
  const normalized = normalizePattern(path)
  return normalized === path
    ? undefined
    : `non-normalized path, consider use '${normalized}' instead`
}

function expressionComplaint(source: string): string | undefined {
  return source.startsWith('/') ? invalidRegex(source) : start
}

function invalidRegex(source: string): string | undefined {
  const complaint = regexComplaint(source)
  return complaint === undefined ? undefined : `invalid regex: '${source}' (${complaint})`
}
