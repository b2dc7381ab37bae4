/** A leaderboard: the values of a member with the most requests. */
export type Board = {
  /** Member of `requests`, without the dataset. */
  readonly member: string
  readonly title: string
  /** What a row without a value is called. */
  readonly none: string
  /** Leaves rows without a value out. */
  readonly onlySet: boolean
  readonly size: number
  /** What it means that the board is empty. */
  readonly empty: string
}

const size = 6

/** The leaderboards of the overview. */
export const boards: readonly Board[] = [
  {
    member: 'route',
    title: 'Top routes',
    none: 'No route matched',
    onlySet: false,
    size,
    empty: 'No requests in this time.',
  },
  {
    member: 'consumer',
    title: 'Top consumers',
    none: 'Anonymous',
    onlySet: false,
    size,
    empty: 'No requests in this time.',
  },
  {
    member: 'service',
    title: 'Top services',
    none: 'No service',
    onlySet: false,
    size,
    empty: 'No requests in this time.',
  },
  {
    member: 'status',
    title: 'Status codes',
    none: 'None',
    onlySet: false,
    size,
    empty: 'No requests in this time.',
  },
  {
    member: 'denied_by',
    title: 'Denied by',
    none: 'Not denied',
    onlySet: true,
    size,
    empty: 'Nothing was denied in this time.',
  },
  {
    member: 'workspace',
    title: 'Workspaces',
    none: 'No workspace',
    onlySet: false,
    size,
    empty: 'No requests in this time.',
  },
  {
    member: 'method',
    title: 'Methods',
    none: 'None',
    onlySet: false,
    size,
    empty: 'No requests in this time.',
  },
]
