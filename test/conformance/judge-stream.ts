import { allowedRefusals, closingTraits, doubtfulCodes } from './allowed-refusals.ts'
import type { Stream } from './build-stream.ts'
import { serialField } from './open-recorder.ts'
import type { Reading, ReferenceRequest } from './read-by-reference.ts'
import { fieldOf, type Message } from '../harness/read-messages.ts'

/** The result of a stream that was sent through Weir. */
export type Outcome = {
  /** Final responses that the client received, in order. */
  readonly answers: readonly Message[]
  /** Complete requests that the upstream received, by serial number. */
  readonly forwarded: ReadonlyMap<number, Message>
  /** Violations in the bytes that Weir sent. */
  readonly complaints: readonly string[]
  /** Whether Weir closed the connection on its own. */
  readonly closed: boolean
  /** Whether an expected event did not happen. */
  readonly hung: boolean
}

/** Compares the result with the reference; returns the first difference, or undefined. */
export function judgeStream(
  { traits }: Pick<Stream, 'traits'>,
  reading: Reading,
  outcome: Outcome,
): string | undefined {
  const { complaints, hung, forwarded, answers } = outcome
  if (complaints[0] !== undefined) return complaints[0]
  const unclaimed = [...reading.requests]
  for (const message of forwarded.values()) {
    const found = unclaimed.findIndex((request) => targetOf(request.target) === sentTarget(message))
    const request = unclaimed[found]
    if (request === undefined && traits.has('damage') && doubtfulCodes.has(reading.refusal))
      continue
    if (request === undefined)
      return `the upstream got ${message.start}, which the reference did not read`
    const difference = compare(request, message)
    if (difference !== undefined) return `${message.start}: ${difference}`
    unclaimed.splice(found, 1)
  }
  if (hung) return 'no answer and no close came in time'
  return judgeAnswers(traits, reading, { answers, forwarded, closed: outcome.closed })
}

function judgeAnswers(
  traits: ReadonlySet<string>,
  { requests, refusal }: Reading,
  { answers, forwarded, closed }: Pick<Outcome, 'answers' | 'forwarded' | 'closed'>,
): string | undefined {
  const mayRefuse = [...traits].some((trait) => trait in allowedRefusals)
  for (const [at, answer] of answers.entries()) {
    const serial = fieldOf(answer.fields, serialField)
    const complaint =
      serial === undefined
        ? judgeRefusal(answer, mayRefuse ? undefined : requests[at])
        : judgePlace(serial, forwarded.get(Number(serial)), requests[at])
    if (complaint !== undefined) return complaint
  }
  const isCut = answers.length < requests.length && !mayRefuse && refusal === ''
  if (isCut && !(closed && [...traits].some((trait) => closingTraits.has(trait))))
    return `${answers.length} answers for ${requests.length} requests in order`
  return undefined
}

/** A response of Weir itself must be a rejection of a malformed request. */
function judgeRefusal(answer: Message, inOrder: ReferenceRequest | undefined): string | undefined {
  const status = answer.start.slice(9, 12)
  if (/^50[0234]$/.test(status)) return `${status} without cause`
  return inOrder && `${status} for ${inOrder.method} ${inOrder.target}, which is in order`
}

/** A response of the upstream must belong to this stream and arrive in order. */
function judgePlace(
  serial: string,
  message: Message | undefined,
  request: ReferenceRequest | undefined,
): string | undefined {
  if (message === undefined) return `answer ${serial} is of another stream`
  if (request === undefined || targetOf(request.target) === sentTarget(message)) return undefined
  return `the answer of ${message.start} was given to ${request.method} ${request.target}`
}

/** The path of a request target, as it must be forwarded: without the authority of an absolute form, percent-encoded by RFC 3986. */
function targetOf(target: string): string {
  const path = target
    .replace(/^[a-z]+:\/\/[^/?#]*/i, '')
    .replace(/#.*$/s, '')
    .replaceAll(/["<>\\^`{|}]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
  return path === '*' || path === '' ? '/' : path.startsWith('?') ? `/${path}` : path
}

const sentTarget = ({ start }: Message): string => targetOf(start.split(' ')[1] ?? '')

function compare(request: ReferenceRequest, message: Message): string | undefined {
  const [method] = message.start.split(' ', 1)
  if (method !== request.method) return `the reference read ${request.method}`
  if (message.body !== request.body)
    return `body ${preview(message.body)}, by the reference ${preview(request.body)}`
  const hosts = message.fields.filter((name, at) => at % 2 === 0 && name === 'host')
  if (hosts.length !== 1) return `${hosts.length} Host fields`
  const [sent, expected] = [probesOf(message.fields), probesOf(request.fields)]
  return sent === expected ? undefined : `fields ${sent}, by the reference ${expected}`
}

const preview = (body: string): string =>
  `${JSON.stringify(body.slice(0, 60))} (${body.length} bytes)`

/** The test's own fields, without those that `Connection` names. */
function probesOf(fields: readonly string[]): string {
  const lower = fields.map((text, at) => (at % 2 === 0 ? text.toLowerCase() : text))
  const named = lower
    .filter((_, at) => at % 2 === 1 && lower[at - 1] === 'connection')
    .flatMap((value) => value.split(',').map((token) => token.trim().toLowerCase()))
  const probes: [string, string][] = []
  for (let at = 0; at < lower.length; at += 2) {
    const name = lower[at] ?? ''
    if (name.startsWith('x-probe') && !named.includes(name))
      probes.push([name, lower[at + 1] ?? ''])
  }
  return JSON.stringify(probes)
}
