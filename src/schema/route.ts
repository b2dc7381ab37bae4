import { z } from 'zod'
import { defineEntity, type Stored } from './entity.ts'
import { between, entityName, optional, reference, tags } from './fields.ts'

const protocol = z.enum(['http', 'https', 'ws', 'wss'])

const hostPattern = z
  .string()
  .min(1)
  .refine(isHostPattern, {
    error: (issue) => `invalid hostname: ${String(issue.input)}`,
  })

const pathPattern = z.string().superRefine((path, context) => {
  const complaint = path.startsWith('~') ? regexComplaint(path.slice(1)) : prefixComplaint(path)
  if (complaint !== undefined) context.addIssue({ code: 'custom', message: complaint })
})

/** How a request is recognised as being for a service. */
export const route = defineEntity({
  name: 'route',
  plural: 'routes',
  about: 'How a request is recognised as being for a service.',
  key: 'name',
  unique: ['name'],
  refersTo: { service: 'service' },
  fields: z.strictObject({
    name: optional(entityName()).describe(
      'Unique in the workspace; paths may use it instead of the id.',
    ),
    service: optional(reference()).describe('Where matching requests go.'),
    protocols: z
      .array(protocol)
      .min(1)
      .default(['http', 'https'])
      .describe('Protocols this route accepts.'),
    methods: optional(
      z.array(
        z.string().regex(/^[A-Z]+$/, { error: (issue) => `invalid value: ${String(issue.input)}` }),
      ),
    ),
    hosts: optional(z.array(hostPattern)).describe(
      'Host names; one leading or trailing * stands for any label.',
    ),
    paths: optional(z.array(pathPattern)).describe(
      'Prefixes, or regular expressions after a leading ~.',
    ),
    headers: optional(z.record(z.string().min(1), z.array(z.string()))).describe(
      'Header name → accepted values; ~* starts a regular expression.',
    ),
    https_redirect_status_code: z
      .union([z.literal(426), z.literal(301), z.literal(302), z.literal(307), z.literal(308)], {
        error: 'expected one of: 426, 301, 302, 307, 308',
      })
      .default(426),
    regex_priority: between(0, 2 ** 31 - 1)
      .default(0)
      .describe('Of two matching regular expressions the higher wins.'),
    strip_path: z
      .boolean()
      .default(true)
      .describe('Take the matched part away from the forwarded path.'),
    path_handling: z.enum(['v0', 'v1']).default('v0'),
    preserve_host: z
      .boolean()
      .default(false)
      .describe('Forward the Host of the client instead of the service’s.'),
    request_buffering: z.boolean().default(true),
    response_buffering: z.boolean().default(true),
    tags: tags(),
  }),
  check({ value, issues }) {
    const filled = ['methods', 'hosts', 'headers', 'paths'].some((field) => !isEmpty(value[field]))
    if (!filled) {
      const message = `must set one of 'methods', 'hosts', 'headers', 'paths' when 'protocols' is 'http' or 'https'`
      issues.push({ code: 'custom', message, path: [], input: value })
    }
    if (
      value['headers'] !== null &&
      Object.keys(value['headers'] as object).some((name) => name.toLowerCase() === 'host')
    ) {
      issues.push({
        code: 'custom',
        message: `cannot contain 'host' header, which must be specified in the 'hosts' attribute`,
        path: ['headers'],
        input: value,
      })
    }
  },
})

/** A stored route. */
export type Route = Stored<Omit<z.output<typeof route.fields>, 'service'>> & {
  service: { id: string } | null
}

function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || Object.keys(value as object).length === 0
}

function isHostPattern(pattern: string): boolean {
  const [name = '', port] = pattern.split(':', 2)
  if (port !== undefined && !/^(\d{1,5})$/.test(port)) return false
  const stars = name.split('*').length - 1
  if (stars === 0) return /^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/i.test(name)
  return stars === 1 && /^(\*\.[a-z0-9_.-]+|[a-z0-9_.-]+\.\*)$/i.test(name)
}

function prefixComplaint(path: string): string | undefined {
  if (!path.startsWith('/')) return `should start with: / (fixed path) or ~/ (regex path)`
  if (path.includes('//')) return 'must not have empty segments'
  const normalized = URL.canParse(path, 'http://h') ? new URL(path, 'http://h').pathname : path
  if (/\/\.{1,2}(\/|$)/.test(path))
    return `non-normalized path, consider use '${normalized}' instead`
  return /[?#\s]/.test(path)
    ? `invalid path: '${path}' (characters outside of the reserved list of RFC 3986 found)`
    : undefined
}

function regexComplaint(source: string): string | undefined {
  if (!source.startsWith('/')) return `should start with: / (fixed path) or ~/ (regex path)`
  try {
    new RegExp(`^(?:${source.replaceAll('(?P<', '(?<')})`)
    return undefined
  } catch (error) {
    return `invalid regex: '${source}' (${(error as Error).message})`
  }
}
