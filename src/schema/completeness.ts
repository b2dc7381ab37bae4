export type Completeness = {
  /**
   * ISO 8601 time in the clocks of the nodes: the rows include every request answered before it, by all nodes
   * but the missing ones. Null until every node has reported.
   */
  readonly until: string | null
  /** Known nodes without a recent heartbeat; their newest requests may be missing. */
  readonly missing: readonly MissingNode[]
}

export type MissingNode = {
  /** Null for those who may not read `/status`. */
  readonly node: string | null
  /** ISO 8601. */
  readonly lastHeard: string
  /** As above, for this node. */
  readonly until: string | null
}

/** Response of GET /api/analytics/completeness. */
export type NodesCompleteness = Completeness & {
  /** Every node that is known, by name; empty for those who may not read `/status`. */
  readonly nodes: readonly NodeCompleteness[]
}

export type NodeCompleteness = {
  readonly node: string
  readonly until: string | null
  readonly lastHeard: string
  readonly isMissing: boolean
}
