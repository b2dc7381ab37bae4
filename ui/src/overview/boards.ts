/** A leaderboard: the values of a dimension with the most requests. */
export type Board = {
  /** Member of `requests`, without the dataset. */
  readonly member: string
  readonly title: string
  /** Label of rows without a value. */
  readonly unsetLabel: string
  /** Excludes rows without a value. */
  readonly excludesUnset: boolean
  readonly size: number
  /** Text of the empty board. */
  readonly emptyText: string
}

const size = 6

export const boards: readonly Board[] = [
  {
    member: 'route',
    title: 'Top routes',
    unsetLabel: 'No route matched',
    excludesUnset: false,
    size,
    emptyText: 'No requests in this time range.',
  },
  {
    member: 'consumer',
    title: 'Top consumers',
    unsetLabel: 'Anonymous',
    excludesUnset: false,
    size,
    emptyText: 'No requests in this time range.',
  },
  {
    member: 'service',
    title: 'Top services',
    unsetLabel: 'No service',
    excludesUnset: false,
    size,
    emptyText: 'No requests in this time range.',
  },
  {
    member: 'status',
    title: 'Status codes',
    unsetLabel: 'None',
    excludesUnset: false,
    size,
    emptyText: 'No requests in this time range.',
  },
  {
    member: 'denied_by',
    title: 'Denied by',
    unsetLabel: 'Not denied',
    excludesUnset: true,
    size,
    emptyText: 'No denied requests in this time range.',
  },
  {
    member: 'workspace',
    title: 'Workspaces',
    unsetLabel: 'No workspace',
    excludesUnset: false,
    size,
    emptyText: 'No requests in this time range.',
  },
  {
    member: 'method',
    title: 'Methods',
    unsetLabel: 'None',
    excludesUnset: false,
    size,
    emptyText: 'No requests in this time range.',
  },
]
