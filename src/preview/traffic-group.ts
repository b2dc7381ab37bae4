/** Requests that were alike in everything by which a gateway decides and that events hold. */
export type TrafficGroup = {
  readonly key: string
  readonly method: string
  readonly scheme: 'http' | 'https'
  readonly host: string
  /** The path, or its beginning where no route looks further. */
  readonly path: string
  readonly route: string
  readonly workspace: string
  readonly workspaceName: string
  readonly routeName: string
  readonly serviceName: string
  /** Id of the consumer, '' when there was none or the asker may not know it. */
  readonly consumer: string
  readonly consumerName: string
  /** True where there was a consumer that the asker may not know. */
  readonly isHidden: boolean
  readonly authMethod: string
  readonly credential: string
  readonly outcome: string
  readonly deniedBy: string
  readonly reason: string
  readonly status: number
  readonly requests: number
  /** One of them, whole. */
  readonly example: { readonly path: string; readonly requestId: string; readonly time: number }
}

/** How many requests of a group came from an address in a span of time. */
export type TrafficBucket = {
  readonly key: string
  /** '' where addresses do not matter. */
  readonly address: string
  /** Number of the span since the epoch. */
  readonly span: number
  readonly requests: number
}
