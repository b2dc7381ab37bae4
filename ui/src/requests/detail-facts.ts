/** One line of a request's details. */
export type DetailField = {
  /** Member of `requests`, without the dataset. */
  readonly member: string
  readonly title: string
  /** Ids and the like are set in a typeface of equal widths. */
  readonly mono?: boolean
  /** False for what cannot sensibly be filtered by. */
  readonly filter?: boolean
}

/** The groups of a request's details, in the order in which they are read. */
export const detailGroups: readonly { title: string; facts: readonly DetailField[] }[] = [
  {
    title: 'What decided',
    facts: [
      { member: 'outcome', title: 'Outcome' },
      { member: 'denied_by', title: 'Denied by' },
      { member: 'reason', title: 'Reason' },
      { member: 'revision', title: 'Revision' },
    ],
  },
  {
    title: 'Who asked',
    facts: [
      { member: 'consumer', title: 'Consumer' },
      { member: 'consumer_groups', title: 'Groups', filter: false },
      { member: 'auth_method', title: 'Authenticated by' },
      { member: 'credential', title: 'Credential', mono: true },
      { member: 'subject', title: 'Subject' },
      { member: 'issuer', title: 'Issuer' },
      { member: 'scopes', title: 'Scopes', filter: false },
      { member: 'principal_kind', title: 'Kind' },
      { member: 'agent', title: 'Agent' },
      { member: 'client_address', title: 'Address', mono: true },
      { member: 'user_agent', title: 'User agent' },
      { member: 'peer_identity', title: 'Peer' },
    ],
  },
  {
    title: 'Where it went',
    facts: [
      { member: 'workspace', title: 'Workspace' },
      { member: 'service', title: 'Service' },
      { member: 'route', title: 'Route' },
      { member: 'route_path', title: 'Matched path', mono: true },
      { member: 'host', title: 'Host' },
      { member: 'query', title: 'Query', mono: true, filter: false },
      { member: 'target', title: 'Target', mono: true },
      { member: 'tries', title: 'Tries', filter: false },
      { member: 'failed_tries', title: 'Failed tries', mono: true, filter: false },
      { member: 'upstream_status', title: 'Service answered' },
    ],
  },
  {
    title: 'Sizes and traces',
    facts: [
      { member: 'request_bytes', title: 'Request body', filter: false },
      { member: 'response_bytes', title: 'Response body', filter: false },
      { member: 'request_id', title: 'Request ID', mono: true, filter: false },
      { member: 'trace_id', title: 'Trace ID', mono: true },
      { member: 'tls_version', title: 'TLS' },
      { member: 'node', title: 'Node' },
      { member: 'zone', title: 'Zone' },
      { member: 'environment', title: 'Environment' },
    ],
  },
]
