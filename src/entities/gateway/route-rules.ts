import type { z } from 'zod'
import { expressionError } from '../route-expression.ts'

type Fields = Record<string, unknown>
type Report = (message: string, field?: string) => void

/** A route may combine protocols of one family only. */
const families = [
  ['http', 'https'],
  ['tcp', 'tls', 'udp'],
  ['tls_passthrough'],
  ['grpc', 'grpcs'],
  ['ws', 'wss'],
] as const

/** Fields that a protocol forbids, and fields of which it requires at least one. */
type Rule = {
  readonly label: string
  readonly forbidden: readonly string[]
  readonly needed: readonly string[]
  readonly message?: string
}

const http = ['methods', 'hosts', 'headers', 'paths']
const grpc = ['hosts', 'headers', 'paths']
/** Fields whose place an expression takes. */
const conditions = [...http, 'snis', 'sources', 'destinations']
const stream = {
  label: "'tcp', 'tls', 'tls_passthrough' or 'udp'",
  forbidden: http,
  needed: ['sources', 'destinations', 'snis', 'expression'],
  message:
    "must set one of 'sources', 'destinations', 'snis', 'expression' when 'protocols' is 'tcp', 'tls' or 'udp'",
}
const passthrough = {
  ...stream,
  needed: ['snis', 'expression'],
  message: "must set one of 'snis', 'expression' when 'protocols' is 'tls_passthrough'",
}

/** The first protocol in this order that a route has decides, so secure protocols precede their plain ones. */
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
  udp: stream,
}

function ruleOf(label: string, forbidden: readonly string[], needed: readonly string[]): Rule {
  return {
    label,
    forbidden: [...forbidden, 'sources', 'destinations'],
    needed: [...needed, 'expression'],
  }
}

const protocolsWithSni: ReadonlySet<string> = new Set([
  'grpcs',
  'https',
  'tls',
  'tls_passthrough',
  'wss',
])

/** Kong's rules over the fields of a route, with its error messages. */
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
  checkExpression(protocols, value, report)
  if (!isEmpty(value['snis']) && !protocols.some((protocol) => protocolsWithSni.has(protocol))) {
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
  const { label, forbidden, needed, message } = rules[protocol] as Rule
  for (const field of forbidden)
    if (!isEmpty(value[field])) report(`cannot set '${field}' when 'protocols' is ${label}`, field)
  if (protocol.startsWith('grpc') && value['strip_path'] === true)
    report(`cannot set 'strip_path' when 'protocols' is ${label}`, 'strip_path')
  if (needed.every((field) => isEmpty(value[field])))
    report(message ?? `must set one of ${quoted(needed)} when 'protocols' is '${protocol}'`)
}

function checkExpression(protocols: readonly string[], value: Fields, report: Report): void {
  const { expression, priority, regex_priority: regexPriority } = value
  const refuse = (complaint: string): void =>
    report(`Router Expression failed validation: ${complaint}`)
  const others = conditions.filter((field) => !isEmpty(value[field]))
  if (typeof expression !== 'string') {
    if (others.length > 0 && Number(priority ?? 0) !== 0)
      refuse(`'priority' applies to 'expression' only, and not to ${quoted(others)}`)
    return
  }
  if (others.length > 0) refuse(`cannot set 'expression' together with ${quoted(others)}`)
  if (Number(regexPriority ?? 0) !== 0)
    refuse("cannot set 'expression' together with 'regex_priority'; use 'priority'")
  const complaint = expressionError(expression, protocols)
  if (complaint !== undefined) refuse(complaint)
}

const quoted = (names: readonly string[]): string => names.map((name) => `'${name}'`).join(', ')

const isEmpty = (value: unknown): boolean =>
  typeof value === 'string'
    ? value === ''
    : value === null || value === undefined || Object.keys(value).length === 0
