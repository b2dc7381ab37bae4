import type { z } from 'zod'

type Fields = Record<string, unknown>
type Report = (message: string, field?: string) => void

/** Protocols that may stand together in one route. */
const families = [
  ['http', 'https'],
  ['tcp', 'tls', 'udp'],
  ['tls_passthrough'],
  ['grpc', 'grpcs'],
  ['ws', 'wss'],
] as const

/** What a route of some protocols may not set, and of what it must set something. */
type Rule = {
  readonly words: string
  readonly forbidden: readonly string[]
  readonly needed: readonly string[]
  readonly sentence?: string
}

const http = ['methods', 'hosts', 'headers', 'paths']
const grpc = ['hosts', 'headers', 'paths']
const stream = {
  words: "'tcp', 'tls', 'tls_passthrough' or 'udp'",
  forbidden: http,
  needed: ['sources', 'destinations', 'snis'],
  sentence:
    "must set one of 'sources', 'destinations', 'snis' when 'protocols' is 'tcp', 'tls' or 'udp'",
}
const passthrough = {
  ...stream,
  needed: ['snis'],
  sentence: "must set snis when 'protocols' is 'tls_passthrough'",
}

/** By protocol; where a route has two, that of the secure one holds. */
const rules: Readonly<Record<string, Rule>> = {
  https: ruleOf("'http' or 'https'", [], [...http, 'snis']),
  http: ruleOf("'http' or 'https'", [], http),
  grpcs: ruleOf("'grpc' or 'grpcs'", ['methods'], [...grpc, 'snis']),
  grpc: ruleOf("'grpc' or 'grpcs'", ['methods'], grpc),
  wss: ruleOf("'ws' or 'wss'", ['methods'], [...grpc, 'snis']),
  ws: ruleOf("'ws' or 'wss'", ['methods'], grpc),
  tls_passthrough: passthrough,
  tls: stream,
  tcp: stream,
}

function ruleOf(words: string, forbidden: readonly string[], needed: readonly string[]): Rule {
  return { words, forbidden: [...forbidden, 'sources', 'destinations'], needed }
}

const withNames: ReadonlySet<string> = new Set(['grpcs', 'https', 'tls', 'tls_passthrough', 'wss'])

/** What the fields of a route must be to each other, in Kong's words. */
export const checkRoute: z.core.CheckFn<Fields> = ({ value, issues }) => {
  const report: Report = (message, field) =>
    void issues.push({
      code: 'custom',
      message,
      path: field === undefined ? [] : [field],
      input: value,
    })
  const protocols = value['protocols'] as readonly string[]
  checkFamilies(protocols, report)
  const chosen = Object.keys(rules).find((protocol) => protocols.includes(protocol))
  if (chosen !== undefined) checkFields(chosen, value, report)
  if (!isEmpty(value['snis']) && !protocols.some((protocol) => withNames.has(protocol))) {
    report(
      "'snis' can only be set when 'protocols' is 'grpcs', 'https', 'tls', 'tls_passthrough', or 'wss'",
    )
  }
  if (Object.keys((value['headers'] ?? {}) as Fields).some((name) => /^host$/i.test(name))) {
    report(
      "cannot contain 'host' header, which must be specified in the 'hosts' attribute",
      'headers',
    )
  }
}

function checkFamilies(protocols: readonly string[], report: Report): void {
  const found = families.filter((family) => family.some((name) => protocols.includes(name)))
  if (found.length < 2) return
  const sets = found.map((family) => `(${quoted(family)})`).join(', ')
  report(`these sets are mutually exclusive: ${sets}`, 'protocols')
}

function checkFields(protocol: string, value: Fields, report: Report): void {
  const { words, forbidden, needed, sentence } = rules[protocol] as Rule
  for (const field of forbidden)
    if (!isEmpty(value[field])) report(`cannot set '${field}' when 'protocols' is ${words}`, field)
  if (protocol.startsWith('grpc') && value['strip_path'] === true)
    report(`cannot set 'strip_path' when 'protocols' is ${words}`, 'strip_path')
  if (needed.every((field) => isEmpty(value[field])))
    report(sentence ?? `must set one of ${quoted(needed)} when 'protocols' is '${protocol}'`)
}

const quoted = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ')

const isEmpty = (value: unknown): boolean =>
  value === null || value === undefined || Object.keys(value).length === 0
