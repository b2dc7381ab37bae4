import { z } from 'zod'
import { regexError } from '../../lib/linear-regex.ts'
import { normalizePattern } from '../../lib/normalize-path.ts'
import { between, isHost, optional } from '../fields.ts'

/** A host name with an optional port; its first or last label may be `*`. */
export const hostPattern = () => z.string().min(1).superRefine(reportIssue(hostViolation))

/** A path prefix, or `~` and a regular expression. */
export const pathPattern = () =>
  z
    .string()
    .min(1)
    .superRefine(
      reportIssue((path) =>
        path.startsWith('~') ? expressionViolation(path.slice(1)) : prefixViolation(path),
      ),
    )

/** A host pattern without a port, in lower case. */
export const ownedHost = () =>
  hostPattern()
    .refine((host) => !host.includes(':'), { error: 'expected a host without a port' })
    .transform((host) => host.toLowerCase())

/** A path prefix. */
export const ownedPath = () => z.string().min(1).superRefine(reportIssue(prefixViolation))

/** A header value, or `~*` and a regular expression. */
export const headerPattern = () =>
  z
    .string()
    .superRefine(
      reportIssue((value) => (value.startsWith('~*') ? invalidRegex(value.slice(2)) : undefined)),
    )

/** A server name (SNI), whose first or last label may be `*`. A trailing dot is ignored. */
export const serverName = () => z.string().min(1).superRefine(reportIssue(serverNameViolation))

/** An end of a TCP or UDP stream: an IP address or CIDR range, a port, or both. */
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

const reportIssue =
  (check: (value: string) => string | undefined) =>
  (value: string, context: z.core.$RefinementCtx<string>): void => {
    const message = value === '' ? undefined : check(value)
    if (message !== undefined) context.addIssue({ code: 'custom', message })
  }

function hostViolation(pattern: string): string | undefined {
  const [name = '', port] = pattern.split(/:(.*)/s, 2)
  if (name.split('*').length > 2) return 'invalid wildcard: must have at most one wildcard'
  if (name.includes('*') && !/^\*\.|\.\*$/.test(name))
    return 'invalid wildcard: must be placed at leftmost or rightmost label'
  if (!isHostName(name.replace('*', 'any')) || port === '') return `invalid hostname: ${pattern}`
  if (port !== undefined && !(/^\d{1,5}$/.test(port) && Number(port) < 65_536))
    return 'invalid port number'
  return undefined
}

function serverNameViolation(name: string): string | undefined {
  if (name.includes('*')) return name.includes(':') ? `invalid value: ${name}` : hostViolation(name)
  return isHost(name) && !/^[\d.]+$|[:[\]]/.test(name) ? undefined : `invalid value: ${name}`
}

/** A label may begin with a hyphen, as punycode examples do, but not end with one. */
const isHostName = (name: string): boolean =>
  /^[a-z0-9_-]*[a-z0-9_](\.[a-z0-9_-]*[a-z0-9_])*$/i.test(name)

const expectedStart = 'should start with: / (fixed path) or ~/ (regex path)'

function prefixViolation(path: string): string | undefined {
  if (!path.startsWith('/')) return expectedStart
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

function expressionViolation(source: string): string | undefined {
  return source.startsWith('/') ? invalidRegex(source) : expectedStart
}

function invalidRegex(source: string): string | undefined {
  const complaint = regexError(source)
  return complaint === undefined ? undefined : `invalid regex: '${source}' (${complaint})`
}
