/** How far the rows of finished requests are complete. */
export type Completeness = {
  /**
   * ISO 8601 time in the clocks of the nodes: every request that a node answered before is among the rows, for all nodes
   * but the missing ones. Null while a node has not told.
   */
  readonly until: string | null
  /** Nodes that are known and have not been heard of lately; their newest requests may be missing. */
  readonly missing: readonly MissingNode[]
}

export type MissingNode = {
  /** Null for those who may not read `/status`. */
  readonly node: string | null
  /** ISO 8601. */
  readonly lastHeard: string
  /** As of all nodes, of this one. */
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
