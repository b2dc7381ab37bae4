/** What would have become of requests under another configuration. */
export type PreviewKind =
  | 'refused'
  | 'admitted'
  | 'answered'
  | 'forwarded'
  | 'rerouted'
  | 'limited'
  | 'unlimited'

/** A request as an example of many. */
export type PreviewExample = {
  readonly requestId: string
  /** Milliseconds since the epoch. */
  readonly time: number
  readonly method: string
  readonly host: string
  readonly path: string
}

/** Where requests go: the route and its service as people call them, or null when no route recognizes them. */
export type PreviewPlace = {
  readonly route: string
  readonly service: string
  readonly workspace: string
} | null

/** Requests of one consumer on one route that would have fared differently, in one way. */
export type PreviewChange = {
  readonly kind: PreviewKind
  /** The consumer as people call it; '' for callers that nobody knows. */
  readonly consumer: string
  readonly from: PreviewPlace
  readonly to: PreviewPlace
  /** The plugin or step that would refuse or answer, or that did, and its code. */
  readonly by: string
  readonly reason: string
  /** Status that clients would get, or got, with the refusal. */
  readonly status: number
  /** False where it depends on what events do not hold, such as a header. */
  readonly sure: boolean
  readonly requests: number
  readonly example: PreviewExample
}

/** Requests about which nothing can be said, and why. */
export type PreviewGap = { readonly why: string; readonly requests: number }

/** The traffic of a window, replayed against a proposed configuration. */
export type PreviewReport = {
  /** Milliseconds since the epoch. */
  readonly from: number
  readonly to: number
  /** Requests of the window that the asker may see. */
  readonly requests: number
  /** Of how many of these the fate was worked out. */
  readonly judged: number
  /** Of how many of those the present configuration, replayed, gives what was recorded. */
  readonly agreeing: number
  readonly changes: readonly PreviewChange[]
  readonly gaps: readonly PreviewGap[]
  /** What is left out of account everywhere. */
  readonly notes: readonly string[]
  /** Milliseconds that it took. */
  readonly took: number
}
