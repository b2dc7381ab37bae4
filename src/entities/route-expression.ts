import { parseExpression, type Expression, type Field, type FieldType } from '../lib/expression.ts'
import { Problem } from '../lib/problem.ts'

/** Types by field. A name that ends in `.*` stands for all with one more part. */
type Fields = Readonly<Record<string, FieldType>>

/** Fields of every connection. */
const streamFields: Fields = {
  'net.protocol': 'string',
  'net.src.ip': 'ip',
  'net.src.port': 'int',
  'net.dst.ip': 'ip',
  'net.dst.port': 'int',
  'tls.sni': 'string',
}

const httpFields: Fields = {
  ...streamFields,
  'http.method': 'string',
  'http.host': 'string',
  'http.path': 'string',
  'http.path.segments.*': 'string',
  'http.path.segments.len': 'int',
  'http.headers.*': 'string',
  'http.queries.*': 'string',
}

/** Fields of a request that has its route, and after authentication its consumer. */
const conditionFields: Fields = {
  ...httpFields,
  'consumer.id': 'string',
  'consumer.username': 'string',
  'consumer.custom_id': 'string',
  'route.id': 'string',
  'route.name': 'string',
  'service.id': 'string',
  'service.name': 'string',
}

/** The former name of a field, which Kong still accepts. */
const formerNames: ReadonlyMap<string, string> = new Map([['net.port', 'net.dst.port']])

const streams: ReadonlySet<string> = new Set(['tcp', 'tls', 'tls_passthrough', 'udp'])

/** Whether routes with these protocols match connections and not requests. */
export const isOfStreams = ({ protocols }: { readonly protocols: readonly string[] }): boolean =>
  protocols.every((protocol) => streams.has(protocol))

/** Parses the expression of a route with these protocols; throws a Problem with the position of the error. */
export function parseRouteExpression(text: string, protocols: readonly string[]): Expression {
  const fields = isOfStreams({ protocols }) ? streamFields : httpFields
  return parseExpression(text, (name) => findField(fields, formerNames.get(name) ?? name))
}

/** Parses the condition of a plugin; throws a Problem with the position of the error. */
export const parseConditionExpression = (text: string): Expression =>
  parseExpression(text, (name) => findField(conditionFields, name))

/** Why an expression cannot be used for a route with these protocols; undefined when it can. */
export const expressionError = (text: string, protocols: readonly string[]): string | undefined =>
  errorIn(() => parseRouteExpression(text, protocols))

/** Why an expression cannot be the condition of a plugin; undefined when it can. */
export const conditionError = (text: string): string | undefined =>
  errorIn(() => parseConditionExpression(text))

function errorIn(parse: () => Expression): string | undefined {
  try {
    parse()
    return undefined
  } catch (error) {
    if (error instanceof Problem) return error.message
    throw error
  }
}

function findField(fields: Fields, name: string): Field | undefined {
  const family = `${name.slice(0, name.lastIndexOf('.') + 1)}*`
  const known = [name, family].find((one) => Object.hasOwn(fields, one))
  if (known === undefined || (known === `${segments}*` && !isSegment(name))) return undefined
  return { name, type: fields[known] as FieldType }
}

const segments = 'http.path.segments.'

/** One segment by its number, or those from a number to a greater one. */
function isSegment(name: string): boolean {
  const [, first, last] = /^(0|[1-9]\d*)(?:_([1-9]\d*))?$/.exec(name.slice(segments.length)) ?? []
  return first !== undefined && (last === undefined || Number(first) < Number(last))
}
