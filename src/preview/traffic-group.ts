/** Requests that are equal in every recorded property that a gateway decides by. */
export type TrafficGroup = {
  readonly key: string
  readonly method: string
  readonly scheme: 'http' | 'https'
  readonly host: string
  /** The path, or the prefix that routes can look at. */
  readonly path: string
  readonly route: string
  readonly workspace: string
  readonly workspaceName: string
  readonly routeName: string
  readonly serviceName: string
  /** Id of the consumer; '' when there was none or it is masked. */
  readonly consumer: string
  readonly consumerName: string
  /** Whether the consumer is masked. */
  readonly isHidden: boolean
  readonly authMethod: string
  readonly credential: string
  readonly outcome: string
  readonly deniedBy: string
  readonly reason: string
  readonly status: number
  readonly requests: number
  /** One of the requests. */
  readonly example: { readonly path: string; readonly requestId: string; readonly time: number }
}

/** The number of requests of a group in a time span, from one address. */
export type TrafficBucket = {
  readonly key: string
  /** '' where addresses are irrelevant. */
  readonly address: string
  /** Number of the span since the epoch. */
  readonly span: number
  readonly requests: number
}
