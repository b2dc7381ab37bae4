/** Kind of difference between the outcomes of a request under two configurations. */
export type PreviewKind =
  | 'refused'
  | 'admitted'
  | 'answered'
  | 'forwarded'
  | 'rerouted'
  | 'limited'
  | 'unlimited'

/** An example request. */
export type PreviewExample = {
  readonly requestId: string
  /** Milliseconds since the epoch. */
  readonly time: number
  readonly method: string
  readonly host: string
  readonly path: string
}

/** Names of the matched route and its service, `…` where the reader may not see its traffic; null when no route matches. */
export type PreviewDestination = {
  readonly route: string
  readonly service: string
  readonly workspace: string
} | null

/** Requests of one consumer and route whose outcome differs in the same way. */
export type PreviewChange = {
  readonly kind: PreviewKind
  /** Name of the consumer; '' for anonymous clients. */
  readonly consumer: string
  readonly from: PreviewDestination
  readonly to: PreviewDestination
  /** The plugin or step that denies or answers the request. */
  readonly by: string
  readonly reason: string
  /** Status of the denial or answer. */
  readonly status: number
  /** False when the result depends on data that events do not contain, such as a header. */
  readonly sure: boolean
  readonly requests: number
  readonly example: PreviewExample
}

/** Requests that could not be replayed, with the reason. */
export type PreviewGap = { readonly why: string; readonly requests: number }

/** The traffic of a window, replayed against a proposed configuration. */
export type PreviewReport = {
  /** Milliseconds since the epoch. */
  readonly from: number
  readonly to: number
  /** Requests of the window that are visible to the principal. */
  readonly requests: number
  /** Number of requests replayed. */
  readonly judged: number
  /** Number of replayed requests for which the present configuration reproduces the recorded outcome. */
  readonly agreeing: number
  readonly changes: readonly PreviewChange[]
  readonly gaps: readonly PreviewGap[]
  /** Limits of the replay that apply to all requests. */
  readonly notes: readonly string[]
  /** Duration in milliseconds. */
  readonly took: number
}
