/** Headers that the gateway adds to answers, by Kong's names. */
export const answerHeaderNames = [
  'Via',
  'Server',
  'X-Kong-Proxy-Latency',
  'X-Kong-Upstream-Latency',
  'X-Kong-Response-Latency',
  'X-Kong-Request-Id',
  'X-Kong-Upstream-Status',
] as const

export type AnswerHeaderName = (typeof answerHeaderNames)[number]

/** Kong's names for several of them. */
const tokens: Readonly<Record<string, readonly AnswerHeaderName[]>> = {
  server_tokens: ['Via', 'Server'],
  latency_tokens: ['X-Kong-Proxy-Latency', 'X-Kong-Upstream-Latency', 'X-Kong-Response-Latency'],
  off: [],
}

/** Reads Kong's `headers`: a comma-separated list of header names and tokens, or `off`; undefined when one is unknown. */
export function parseAnswerHeaders(text: string): AnswerHeaderName[] | undefined {
  const names = new Set<AnswerHeaderName>()
  for (const part of text.split(',').map((one) => one.trim().toLowerCase())) {
    const name = answerHeaderNames.find((known) => known.toLowerCase() === part)
    const meant = name === undefined ? tokens[part] : [name]
    if (meant === undefined) return undefined
    for (const one of meant) names.add(one)
  }
  return [...names]
}

const defaultAnswerHeaders: readonly AnswerHeaderName[] = [
  ...(tokens['server_tokens'] ?? []),
  ...(tokens['latency_tokens'] ?? []),
  'X-Kong-Request-Id',
]

/** Routes on which paths are refused that servers interpret differently. */
export type AmbiguousPaths = 'allow' | 'refuse-authenticated' | 'refuse'

/** The operator's settings for requests and answers; the same object for all exchanges of a worker. */
export type ExchangeSettings = {
  /** Headers that are added to answers. */
  readonly answerHeaders: ReadonlySet<AnswerHeaderName>
  /** Whether services get X-Kong-Request-Id. */
  readonly sendsRequestId: boolean
  /** Whether the header Kong-Debug of a client adds the route and service to its response. */
  readonly allowsDebug: boolean
  readonly ambiguousPaths: AmbiguousPaths
  /** The name of the process in `Via`. */
  readonly instance: string
}

/** As in Kong. */
export const defaultExchangeSettings: ExchangeSettings = {
  answerHeaders: new Set(defaultAnswerHeaders),
  sendsRequestId: true,
  allowsDebug: false,
  ambiguousPaths: 'refuse-authenticated',
  instance: '',
}
